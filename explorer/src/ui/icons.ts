/** Every icon and its one meaning. Nothing else imports the library. */
export {
  Waypoints as GraphIcon, SquareTerminal as QueryIcon, Boxes as ModelsIcon, Activity as LiveIcon, History as HistoryIcon,
  Map as ScenesIcon, SlidersHorizontal as OperateIcon, Upload as ImportIcon, Settings as SettingsIcon,
  Layers as NestedIcon, Network as TreeIcon, CircleDot as RadialIcon, Workflow as LayersIcon, Share2 as ForceIcon, MapPin as MapIcon,
  Thermometer as LensIcon, Tag as LabelIcon, Maximize as FitIcon, Share as ShareIcon, Copy as CopyIcon, Check as CheckIcon,
  ChevronDown as DownIcon, ChevronRight as RightIcon, ChevronUp as UpIcon, ChevronLeft as LeftIcon, ChevronsUpDown as ChooseIcon,
  X as CloseIcon, Plus as AddIcon, Minus as RemoveIcon, Trash2 as DeleteIcon, Pencil as EditIcon, Save as SaveIcon, Undo2 as UndoIcon, Redo2 as RedoIcon,
  Search as SearchIcon, Filter as FilterIcon, Eye as ShowIcon, EyeOff as HideIcon, Pin as PinIcon, PinOff as UnpinIcon, Link as LinkIcon,
  Play as PlayIcon, Pause as PauseIcon, Square as StopIcon, RotateCw as RetryIcon, Zap as LiveQueryIcon, Gauge as ExplainIcon, Table2 as TableIcon, Braces as JsonIcon,
  Star as SavedIcon, Clock as ClockIcon, Download as DownloadIcon, FolderOpen as FolderIcon, FileText as FileIcon, Database as DataIcon,
  ThermometerSun as TooWarmIcon, Snowflake as SnowIcon, Flame as FireIcon, Droplet as WaterIcon, Droplets as HumidityIcon, Wind as WindIcon, Power as PowerIcon, UsersRound as PeopleIcon, DoorOpen as DoorIcon, Signal as SignalIcon, Wrench as WrenchIcon, Wand as ByNameIcon,
  Sun as LightIcon, Moon as DarkIcon, Monitor as SystemIcon, User as PersonIcon, KeyRound as TokenIcon, LogOut as SignOutIcon, Lock as LockIcon,
  TriangleAlert as WarnIcon, CircleAlert as ErrorIcon, CircleCheck as OkIcon, Info as InfoIcon, CircleHelp as HelpIcon, Ellipsis as MoreIcon,
  PanelLeft as OutlineIcon, PanelRight as InspectorIcon, ArrowRight as OutIcon, ArrowLeft as InIcon, ArrowUpDown as BothIcon, GripVertical as GripIcon,
  Route as RouteIcon, Plug as EndpointIcon, LogIn as InputIcon, MailX as DeadLetterIcon, ListChecks as JobsIcon, Stamp as ProposalIcon, ListTree as IndexIcon, Timer as SlowIcon, ShieldCheck as LimitsIcon, Users as AccessIcon,
  Command as CommandIcon, GitCompare as CompareIcon, Sparkles as SampleIcon, ExternalLink as OpenIcon, Expand as ExpandIcon, Crosshair as FindIcon, Calendar as CalendarIcon,
  ArchiveRestore as RestoreIcon, SkipForward as NextIcon, SkipBack as PreviousIcon, Radio as TelemetryIcon, Archive as DecommissionIcon, Image as PictureIcon, Spline as RelationshipIcon, Circle as TwinIcon,
} from 'lucide-react'
export type { LucideIcon as Icon } from 'lucide-react'
