"""The bound on documents that follow one another without any sound between them."""


class Pace:
    """Counts documents, and starts again whenever the call has spent a second in its verbs.

    A document that redirects to itself would run for ever at network speed; people and prompts take seconds.
    """

    MOST_DOCUMENTS = 100
    MEDIA_SECONDS = 1.0

    def __init__(self) -> None:
        self._documents = 0
        self._seconds = 0.0

    def begin(self) -> bool:
        """Counts a document; False when it is one too many."""
        self._documents += 1
        return self._documents <= self.MOST_DOCUMENTS

    def spend(self, seconds: float) -> None:
        """Counts the time that a verb took."""
        self._seconds += seconds
        if self._seconds >= self.MEDIA_SECONDS:
            self._documents = 0
            self._seconds = 0.0
