//! What no later look can tell to be as it was: the clock, the network, random bytes of the
//! operating system, what is typed; and what acts on processes.

use std::os::fd::RawFd;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;
use rememo::Impurity;

use super::audit::unheard;
use super::probes::stand_at;
use super::{arrow, command_line, current, generators, hdf, place, reached, zone};
use crate::raw;
use crate::raw::{Arguments, Probe};

/// Libraries that ask for the time or for random bytes for purposes of their own: names of temporary
/// files, times of log records, progress. What they are used for does not show in results.
const DISCREET: [&str; 7] = [
    "joblib",
    "logging",
    // Whether a text is a date, by which it is told from a category.
    "matplotlib.category",
    // Names and times of what is reported to callbacks.
    "sklearn.callback",
    "tempfile",
    "threading",
    "tqdm",
];

/// Libraries whose own code looks at the clock only to tell how long something took.
const TIMING: [&str; 2] = ["pandas.io.parsers.c_parser_wrapper", "sklearn"];

/// Code of libraries that has names for its own purposes made of random bytes.
const NAMING: [&str; 3] = ["dask._expr", "dask.base", "xarray.backends.file_manager"];

/// What looks at the machine and the process to learn how to compute, not what: how many cores there
/// are, which libraries have threads of their own.
const COUNTING: [&str; 3] = [
    "joblib.externals.loky.backend.context",
    "numpy.testing._private.utils",
    "threadpoolctl",
];

/// What starts a process that computes nothing: it tidies up when the program is over. Locks that
/// other processes are to share are entered there, which each pool makes, be it one of threads.
const TIDYING: [&str; 1] = ["multiprocessing.resource_tracker"];

/// A module, and what stands in front of its functions.
type Later = (&'static str, fn(Python<'_>));

/// What has to be stood in front of, by modules that a program may do without.
const LATER: [Later; 20] = [
    ("_datetime", |py| {
        for name in ["datetime.now", "datetime.utcnow", "date.today"] {
            stand_at(py, "_datetime", name, asks_date);
        }
        for (name, probe) in zone::OF_DATETIME {
            stand_at(py, "_datetime", name, probe);
        }
    }),
    ("_random", |py| {
        for (name, probe) in generators::OF_PYTHON {
            stand_at(py, "_random", name, *probe);
        }
    }),
    ("_uuid", |py| {
        stand_at(py, "_uuid", "generate_time_safe", |arguments| {
            clock(arguments, "uuid.uuid1");
        });
    }),
    ("argparse", command_line::watch_argparse),
    ("optparse", command_line::watch_optparse),
    ("numpy.random.mtrand", generators::stand_before_numpy),
    ("torch", generators::stand_before_torch),
    ("pyarrow._fs", arrow::stand_before_files),
    ("pyarrow._parquet", arrow::stand_before_parquet),
    ("pyarrow._csv", arrow::stand_before_csv),
    ("pyarrow._json", arrow::stand_before_json),
    ("pyarrow.lib", arrow::stand_before_library),
    ("pyarrow._feather", arrow::stand_before_feather),
    ("pyarrow._orc", arrow::stand_before_orc),
    ("tables.file", hdf::stand_before_pytables),
    ("netCDF4._netCDF4", hdf::stand_before_netcdf),
    ("pandas.core.computation.scope", |py| {
        reached::watch(py, "pandas.core.computation.scope");
    }),
    ("pandas.core.accessor", |py| {
        reached::watch(py, "pandas.core.accessor");
    }),
    ("xarray.core.extensions", |py| {
        reached::watch(py, "xarray.core.extensions");
    }),
    ("numexpr.necompiler", |py| {
        reached::watch(py, "numexpr.necompiler");
    }),
];

/// How many of these are stood in front of.
static STOOD: [AtomicUsize; LATER.len()] = [const { AtomicUsize::new(0) }; LATER.len()];

/// What is there in every program.
pub const ALWAYS: [(&str, &str, Probe); 16] = [
    ("time", "mktime", zone::is_asked),
    ("time", "time", |arguments| clock(arguments, "time.time")),
    ("time", "time_ns", |arguments| {
        clock(arguments, "time.time_ns");
    }),
    ("time", "clock_gettime", asks_clock),
    ("time", "clock_gettime_ns", asks_clock),
    ("time", "localtime", |arguments| {
        clock_without(arguments, 0, "time.localtime");
        zone::is_asked(arguments);
    }),
    ("time", "gmtime", |arguments| {
        clock_without(arguments, 0, "time.gmtime");
    }),
    ("time", "ctime", |arguments| {
        clock_without(arguments, 0, "time.ctime");
        zone::is_asked(arguments);
    }),
    ("time", "asctime", |arguments| {
        clock_without(arguments, 0, "time.asctime");
    }),
    ("time", "strftime", |arguments| {
        clock_without(arguments, 1, "time.strftime");
        // The name of the zone may be part of it.
        zone::is_asked(arguments);
    }),
    ("posix", "urandom", |arguments| {
        random(arguments, "os.urandom");
    }),
    ("posix", "getrandom", |arguments| {
        random(arguments, "os.getrandom");
    }),
    ("posix", "getpid", asks_process),
    ("_io", "FileIO.read", reads_file),
    ("_io", "FileIO.readall", reads_file),
    ("_io", "FileIO.readinto", reads_file),
];

/// What an audit event is told as, with the kind of what it does; none where it is none of these.
pub fn of_event(event: &str) -> Option<(&'static str, &'static str)> {
    Some(match event {
        "socket.connect" | "socket.sendto" | "socket.sendmsg" | "urllib.Request" => {
            ("network", "uses the network")
        }
        "socket.getaddrinfo"
        | "socket.gethostbyname"
        | "socket.gethostbyaddr"
        | "socket.getnameinfo" => ("network", "asks for the address of a machine"),
        "socket.bind" => ("network", "listens to the network"),
        "builtins.input" => ("terminal", "asks the user"),
        "os.kill" | "os.killpg" | "signal.pthread_kill" => ("process", "sends a signal"),
        "resource.setrlimit" | "resource.prlimit" => {
            ("process", "changes what the process may use")
        }
        _ => return None,
    })
}

/// Stands in front of what has been imported of the modules that a program may do without.
pub fn stand_later(py: Python<'_>) {
    let mut left = (0..LATER.len())
        .filter(|at| STOOD[*at].load(Ordering::Relaxed) == 0)
        .peekable();
    if left.peek().is_none() {
        return;
    }
    let modules = raw::modules(py);
    for at in left {
        let module = modules.get_item(LATER[at].0).ok().flatten();
        if module.is_some_and(|module| !is_being_imported(&module)) {
            stand(py, at);
        }
    }
}

/// Whether a module is not whole yet: recordings begin while modules are imported, too.
pub fn is_being_imported(module: &Bound<'_, PyAny>) -> bool {
    let py = module.py();
    let initializing = module
        .getattr(intern!(py, "__spec__"))
        .and_then(|spec| spec.getattr(intern!(py, "_initializing"))?.is_truthy());
    initializing.unwrap_or(false)
}

/// Stands in front of a module that is about to be imported for the first time.
pub fn importing(py: Python<'_>, name: &Bound<'_, PyAny>) {
    let Ok(name) = name.cast::<PyString>() else {
        return;
    };
    if let Some(at) = LATER.iter().position(|(module, _)| *name == *module) {
        stand(py, at);
        // What it imported in turn was not heard of.
        stand_later(py);
        if let Some(recording) = current(py) {
            generators::watch(py, recording.get());
        }
    }
}

fn stand(py: Python<'_>, at: usize) {
    if STOOD[at].swap(1, Ordering::Relaxed) == 0 {
        LATER[at].1(py);
    }
}

/// Notes that what is happening does something of a kind, unless a library does it for itself.
pub fn note(py: Python<'_>, kind: &'static str, does: &str, by: &str) {
    let Some(recording) = current(py) else {
        return;
    };
    unheard(|| {
        let through = place::within_library(py);
        // The innermost is who does it, but for what hands it on.
        let asks = through.iter().find(|(module, _)| module != "uuid");
        let own: &[&str] = match kind {
            "clock" => &TIMING,
            "random" => &NAMING,
            _ => &[],
        };
        let is_own = is_among(asks, own);
        if is_own || is_among(&through, &DISCREET) || place::is_importing(py) {
            return;
        }
        let mut what = format!("{does} ({by}");
        if let Some((module, function)) = through.last() {
            what = format!("{what}, by {module}.{function}");
        }
        what.push(')');
        let objection = Impurity {
            kind,
            what,
            at: place::line(py),
        };
        recording.get().object(py, objection);
    });
}

/// Whether some code of a library does something, by its modules and all that is in them.
pub fn is_among<'a>(
    through: impl IntoIterator<Item = &'a (String, String)>,
    modules: &[&str],
) -> bool {
    through.into_iter().any(|(module, _)| {
        let below = |known: &&str| {
            let rest = module.strip_prefix(known);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        modules.iter().any(below)
    })
}

/// Whether installed distributions are looked for: they count by their versions.
pub fn finds_distributions(py: Python<'_>) -> bool {
    let finders = ["importlib.metadata", "importlib_metadata"];
    is_among(place::within_library(py).first(), &finders)
}

/// Whether a path is looked at that tells of the machine and its processes, by who only looks how to
/// compute, or by a library that is being imported.
pub fn is_of_machine(py: Python<'_>, path: &Path) -> bool {
    (path.starts_with("/proc") || path.starts_with("/sys"))
        && (only_counts(py) || place::is_library_imported(py))
}

/// Whether a process is started that has no part in what is computed.
pub fn is_no_part(py: Python<'_>) -> bool {
    let through = place::within_library(py);
    is_among(&through, &COUNTING) || is_among(&through, &TIDYING)
}

/// Whether somebody only looks how to compute.
pub fn only_counts(py: Python<'_>) -> bool {
    is_among(&place::within_library(py), &COUNTING)
}

fn clock(arguments: Arguments<'_, '_>, by: &str) {
    note(arguments.py(), "clock", "looks at the clock", by);
}

/// A function that takes the time for an argument, or else looks at the clock.
fn clock_without(arguments: Arguments<'_, '_>, at: usize, by: &str) {
    let given = arguments.positional().nth(at);
    if given.is_none_or(|given| given.is_none()) {
        clock(arguments, by);
    }
}

/// Whether what runs is a library that asks for the time for purposes of its own.
pub fn is_discreet(py: Python<'_>) -> bool {
    is_among(&place::within_library(py), &DISCREET)
}

/// One of several clocks: those that count from the start of something do not tell the time.
fn asks_clock(arguments: Arguments<'_, '_>) {
    let which = arguments.positional().next();
    let which: Option<i32> = which.and_then(|which| which.extract().ok());
    if matches!(
        which,
        Some(
            libc::CLOCK_REALTIME
                | libc::CLOCK_REALTIME_COARSE
                | libc::CLOCK_TAI
                | libc::CLOCK_REALTIME_ALARM
        )
    ) {
        clock(arguments, "time.clock_gettime");
    }
}

fn asks_date(arguments: Arguments<'_, '_>) {
    clock(arguments, "datetime");
}

fn random(arguments: Arguments<'_, '_>, by: &str) {
    if !generators::is_being_seeded() {
        let does = "takes random bytes of the operating system";
        note(arguments.py(), "random", does, by);
    }
}

/// The number of the process is asked for: by the program itself, for libraries see by it whether
/// they were forked.
fn asks_process(arguments: Arguments<'_, '_>) {
    let py = arguments.py();
    if current(py).is_some() && place::within_library(py).is_empty() {
        note(
            py,
            "process",
            "asks for the number of the process",
            "os.getpid",
        );
    }
}

/// The number of standard input.
pub const STDIN: RawFd = 0;

/// A file that is open is read.
fn reads_file(arguments: Arguments<'_, '_>) {
    let py = arguments.py();
    if current(py).is_none() {
        return;
    }
    let number = arguments
        .owner()
        .and_then(|file| file.call_method0("fileno").ok())
        .and_then(|number| number.extract().ok());
    if number == Some(STDIN) {
        input(py);
    }
}

pub fn input(py: Python<'_>) {
    note(py, "terminal", "reads standard input", "sys.stdin");
}
