"""A report of which nothing is kept, for tests of what is around it."""

from dataclasses import dataclass


@dataclass
class NoDraft:
    sha256: str = ""
    is_published: bool = False

    def publish(self) -> None:
        self.is_published = True

    def discard(self) -> None:
        """Nothing was kept."""
