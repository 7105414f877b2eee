"""The warnings that Rememo issues; a memoized call warns where it might have failed."""


class RememoWarning(UserWarning):
    """The base of every warning that Rememo issues."""


class NotCachedWarning(RememoWarning):
    """A call ran as usual, but its result was not stored."""


class UnfreezableWarning(NotCachedWarning):
    """An argument, or something the function reads, has no dependable digest."""


class UnpicklableResultWarning(NotCachedWarning):
    """The result cannot be pickled."""


class ResultTooLargeWarning(NotCachedWarning):
    """The result takes more than a result, or than all of them together, may take."""


class ChangedDuringCallWarning(NotCachedWarning):
    """Something that the function reads changed while the call ran."""


class ImpurityWarning(NotCachedWarning):
    """The call did something, or depends on something, that a stored result would leave out."""


class FileEffectWarning(ImpurityWarning):
    """The call left files changed."""


class FigureEffectWarning(ImpurityWarning):
    """The call draws on a figure of pyplot that it did not make, or leaves one open."""


class ProcessEffectWarning(ImpurityWarning):
    """The call acted on the process: it left its directory or environment changed, or the like."""


class DeviceWarning(ImpurityWarning):
    """The call read from a device, a pipe or a socket."""


class ChildProcessWarning(ImpurityWarning):
    """The call started another process, and what that looks at is not seen."""


class ClockWarning(ImpurityWarning):
    """The call looked at the clock."""


class NetworkWarning(ImpurityWarning):
    """The call used the network."""


class RandomnessWarning(ImpurityWarning):
    """The call took random bytes that no seed determines."""


class TerminalWarning(ImpurityWarning):
    """The call read what is typed, or standard input."""


class UnwatchedWarning(ImpurityWarning):
    """The call did something that could not be watched."""


class UnseenDependencyWarning(RememoWarning):
    """A result is stored, and may depend on what nobody saw.

    That is what a function takes from `sys.modules`, a frame or `gc`, or a file that it was given
    the path of.
    """


class DroppedOutputWarning(RememoWarning):
    """A function prints, and a hit does not print it again."""


class NondeterminismWarning(RememoWarning):
    """A call that was made again returned something else than what was stored."""


class OverheadWarning(RememoWarning):
    """Memoization of a function costs more than it saves, and was switched off."""


class CacheThrashingWarning(RememoWarning):
    """Results are let go of for want of room, and made again, more often than they are of use."""


class PolicyWarning(RememoWarning):
    """A policy of one's own raised an error, takes too long, or chose what is not there."""


class StoreWarning(RememoWarning):
    """The cache directory could not be read or written; calls go on without it."""
