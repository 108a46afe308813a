/** Icons that a badge can have, by the names that scenes keep. */
import {
  DoorIcon, ErrorIcon, FireIcon, HumidityIcon, type Icon, InfoIcon, LensIcon, LightIcon, LiveIcon, LockIcon, OkIcon, PeopleIcon, PowerIcon, SignalIcon, SlowIcon, SnowIcon, TooWarmIcon, WarnIcon, WaterIcon, WindIcon, WrenchIcon,
} from '@/ui/icons'

const ICONS: Readonly<Record<string, Icon>> = {
  alert: ErrorIcon, warning: WarnIcon, info: InfoIcon, check: OkIcon, thermometer: LensIcon, 'thermometer-sun': TooWarmIcon, snowflake: SnowIcon, flame: FireIcon, droplet: WaterIcon, humidity: HumidityIcon,
  wind: WindIcon, sun: LightIcon, power: PowerIcon, activity: LiveIcon, people: PeopleIcon, door: DoorIcon, lock: LockIcon, timer: SlowIcon, signal: SignalIcon, wrench: WrenchIcon,
}

export const BADGES: readonly string[] = Object.keys(ICONS)

/** The icon of a name; one that this page does not have is a plain warning. */
export function badgeIcon(name: string): Icon { return Object.hasOwn(ICONS, name) ? ICONS[name] ?? ErrorIcon : ErrorIcon }
