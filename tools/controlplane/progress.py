"""Tells a person how long the build still takes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: A long step repeats its line this often (seconds), so that silence never looks like a hang.
HEARTBEAT_SECONDS = 30.0


def clock(seconds: float) -> str:
    """80 → "1m20s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


class Progress:
    """Estimates from the weights of the steps: their seconds on two cores with cold caches.

    The measured pace corrects the weights once enough of them is done, so a warm build
    soon promises seconds instead of minutes.
    """

    def __init__(self, weights: dict[str, float], say: Callable[[str], None]) -> None:
        self._weights = weights
        self._say = say
        self._started = time.monotonic()
        self._done: list[str] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Announce `name`, repeat the line while the block runs, count it as done after."""
        finished = threading.Event()
        began = time.monotonic()
        self._announce(name, began)
        beat = threading.Thread(target=self._beat, args=(name, began, finished), daemon=True)
        beat.start()
        try:
            yield
        finally:
            finished.set()
            beat.join()
        self._done.append(name)

    def elapsed(self) -> str:
        return clock(time.monotonic() - self._started)

    def _beat(self, name: str, began: float, finished: threading.Event) -> None:
        while not finished.wait(HEARTBEAT_SECONDS):
            self._announce(name, began)

    def _announce(self, name: str, began: float) -> None:
        place = f"[{len(self._done) + 1}/{len(self._weights)}]"
        left = clock(self._left(name, began))
        self._say(f"{place} {name} … elapsed {self.elapsed()}, about {left} left")

    def _left(self, name: str, began: float) -> float:
        """Seconds: what remains of this step plus all later steps, at the pace so far."""
        done = sum(self._weights[one] for one in self._done)
        pace = (began - self._started) / done if done else 1.0
        later = sum(self._weights.values()) - done - self._weights[name]
        this = max(self._weights[name] * pace - (time.monotonic() - began), 5.0)
        return this + later * pace
