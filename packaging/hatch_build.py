"""The package's build hook: puts the built explorer into wheel and sdist, or fails and says why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent))
import explorer_build as explorer


class ExplorerHook(BuildHookInterface[Any]):
    """Builds the explorer unless it is there already, as in an sdist."""

    def dependencies(self) -> list[str]:
        """Return what has to be there to build it: nothing where it is built."""
        root = Path(self.root)
        needless = explorer.is_skipped() or explorer.is_fresh(root)
        return [] if needless else [explorer.NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build it, and have it packaged.

        Args:
            version: of the target; an editable install serves it from the clone.
            build_data: what is told to the builder.

        Raises:
            SystemExit: it cannot be built.
        """
        if version == "editable":
            return
        if explorer.is_skipped():
            self.app.display_warning(f"Built without the explorer, as {explorer.SKIP} says.")
            return
        try:
            folder = explorer.build(Path(self.root), self.app.display_info)
        except explorer.BuildError as error:
            raise SystemExit(
                f"The explorer could not be built. {error}\nIt needs Node (the wheel "
                f"{explorer.NODE_WHEEL}) and the packages of explorer/package-lock.json. "
                f"{explorer.SKIP}=1 builds Kastor without it."
            ) from None
        target = "kastor/_explorer" if self.target_name == "wheel" else "explorer/dist"
        build_data["force_include"][str(folder)] = target
