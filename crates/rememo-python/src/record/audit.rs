//! Audit events: files opened, directories listed, files made, changed and removed.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use rememo::{Aspect, Entries, Impurity, Links, Manner, Subject};

use super::paths::{from_descriptor, path_of};
use super::probes::keyword;
use super::{Pause, Recording, current, descriptors, environment, place, reached, sources};
use crate::raw::{Arguments, hear_audit_events, recording_begins, recording_ends};

/// An event that is raised to see whether it is heard.
const PROBE: &str = "rememo.listening";
static HEARD: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread is noting something: what it does for that does not count.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Does something that is not to be noted.
pub fn unheard(work: impl FnOnce()) {
    if !BUSY.replace(true) {
        work();
        BUSY.set(false);
    }
}

/// Does something that is not to be noted, in the midst of noting something or not.
pub fn quietly<T>(py: Python<'_>, work: impl FnOnce() -> T) -> T {
    let _pause = Pause::begin(py);
    let before = BUSY.replace(true);
    let done = work();
    BUSY.set(before);
    done
}

/// Has audit events heard from now on. The error says why they are not.
pub fn hear(py: Python<'_>) -> Result<(), String> {
    let refused = |error: PyErr| format!("another audit hook refuses this one ({error})");
    hear_audit_events(py, told).map_err(refused)?;
    recording_begins();
    let raised = py
        .import("sys")
        .and_then(|sys| sys.call_method1("audit", (PROBE,)));
    recording_ends();
    raised.map_err(refused)?;
    // A hook may refuse another without an exception.
    if HEARD.load(Ordering::Relaxed) {
        Ok(())
    } else {
        Err("another audit hook refuses this one".to_owned())
    }
}

fn told(event: &str, args: &Bound<'_, PyTuple>) {
    let act: Act = match event {
        "open" => open,
        "os.listdir" => |heard| heard.list(Entries::Names),
        "os.scandir" => |heard| heard.list(Entries::Kinds),
        "os.chdir" => |heard| heard.leave(),
        "os.remove" => |heard| heard.touch("removes", Manner::Removes, 0, Some(1)),
        "os.rmdir" => |heard| heard.touch("removes", Manner::Removes, 0, Some(1)),
        "os.mkdir" => make_directory,
        "os.rename" => |heard| {
            heard.touch("renames", Manner::Moves, 0, Some(2));
            heard.touch("makes", Manner::Replaces, 1, Some(3));
        },
        "os.link" => |heard| heard.touch("makes", Manner::Alters, 1, Some(3)),
        "os.symlink" => |heard| heard.touch("makes", Manner::Alters, 1, Some(2)),
        "os.truncate" => |heard| heard.touch("cuts off", Manner::Alters, 0, None),
        "os.chmod" => {
            |heard| heard.touch("changes the permissions of", Manner::SetsMode, 0, Some(2))
        }
        "os.chown" => |heard| heard.touch("changes the owner of", Manner::Alters, 0, Some(3)),
        "os.utime" => |heard| heard.touch("changes the times of", Manner::SetsTimes, 0, Some(3)),
        "os.setxattr" | "os.removexattr" => |heard| {
            heard.touch("changes an attribute of", Manner::Alters, 0, None);
        },
        "os.putenv" | "os.unsetenv" => |heard| heard.set_variable(),
        "mmap.__new__" => |heard| heard.uses(0),
        "sqlite3.connect" => database,
        "os.exec" | "os.fork" | "os.forkpty" | "os.posix_spawn" | "os.system"
        | "subprocess.Popen" => |heard| starts_process(&heard.recording),
        PROBE => {
            HEARD.store(true, Ordering::Relaxed);
            return;
        }
        "pickle.find_class" => |heard| {
            if let (Some(module), Some(name)) = (heard.text(0), heard.text(1)) {
                reached::reach(&heard.recording, module, Some(name));
            }
        },
        "exec" => |heard| {
            if let Some(code) = heard.argument(0) {
                reached::executes(&heard.recording, &code);
            }
        },
        "import" => |heard| {
            if let Some(name) = heard.argument(0) {
                sources::importing(heard.py(), &name);
            }
        },
        _ => {
            if let Some((kind, does)) = sources::of_event(event) {
                sources::note(args.py(), kind, does, event);
            }
            return;
        }
    };
    if let Some(recording) = current(args.py()) {
        unheard(|| act(&Heard { recording, args }));
    }
}

type Act = for<'a, 'py> fn(&Heard<'a, 'py>);

/// An event, and the recording that it belongs to.
struct Heard<'a, 'py> {
    recording: Bound<'py, Recording>,
    args: &'a Bound<'py, PyTuple>,
}

impl<'py> Heard<'_, 'py> {
    fn py(&self) -> Python<'py> {
        self.args.py()
    }

    fn argument(&self, at: usize) -> Option<Bound<'py, PyAny>> {
        self.args.get_item(at).ok()
    }

    fn text(&self, at: usize) -> Option<String> {
        self.argument(at)?.extract().ok()
    }

    fn path(&self, at: usize, directory: Option<usize>) -> Option<PathBuf> {
        let directory = directory.and_then(|at| self.argument(at));
        Some(from_descriptor(
            path_of(&self.argument(at)?)?,
            directory.as_ref(),
        ))
    }

    /// Notes that the content of a file is read.
    fn read(&self, path: &Path) {
        let watch = self.recording.get().watch;
        self.recording.get().note(self.py(), |log| {
            log.see(path, |place| watch.content(place));
        });
    }

    fn list(&self, entries: Entries) {
        let Some(path) = self.path(0, None) else {
            return;
        };
        if !place::is_housekeeping(self.py()) && !sources::finds_distributions(self.py()) {
            self.recording.get().note(self.py(), |log| {
                log.see(&path, |place| Subject::Listing(place, entries));
            });
        }
    }

    fn leave(&self) {
        self.recording.get().note(self.py(), rememo::Log::leave);
    }

    fn touch(&self, does: &str, manner: Manner, at: usize, directory: Option<usize>) {
        if let Some(path) = self.path(at, directory) {
            self.touch_path(does, manner, &path);
        }
    }

    fn touch_path(&self, does: &str, manner: Manner, path: &Path) {
        if place::is_housekeeping(self.py()) {
            return;
        }
        let by = Impurity {
            kind: "files",
            what: format!("{does} {}", path.display()),
            at: place::line(self.py()),
        };
        self.recording
            .get()
            .note(self.py(), |log| log.touch(path, manner, by));
    }

    /// A file that is open is used, by its number.
    fn uses(&self, at: usize) {
        let number = self.argument(at).and_then(|number| number.extract().ok());
        if let Some(number) = number {
            descriptors::uses(&self.recording, number);
        }
    }

    fn set_variable(&self) {
        let Some(name) = self.argument(0).and_then(|name| path_of(&name)) else {
            return;
        };
        let name = name.into_os_string();
        let at = place::line(self.py());
        environment::set(self.py(), &self.recording, name.as_encoded_bytes(), at);
    }
}

/// Another process is about to be started, which nobody watches.
pub fn starts_process(recording: &Bound<'_, Recording>) {
    let py = recording.py();
    if sources::is_no_part(py) {
        return;
    }
    let objection = Impurity {
        kind: "processes",
        what: "starts another process, which is not watched".to_owned(),
        at: place::line(py),
    };
    recording.get().object(py, objection);
}

/// A file is opened, or was about to be: to be read, written, or both.
fn open(heard: &Heard<'_, '_>) {
    let py = heard.py();
    let Some(path) = heard.path(0, None) else {
        return heard.uses(0);
    };
    let flags: i32 = heard
        .argument(2)
        .and_then(|flags| flags.extract().ok())
        .unwrap_or(0);
    if place::is_housekeeping(py) {
        return;
    }
    if flags & libc::O_TMPFILE == libc::O_TMPFILE {
        // It has no name, and is gone once it is closed.
        return;
    }
    if !is_written(flags) {
        if !sources::is_of_machine(py, &path) {
            heard.read(&path);
        }
    } else if !path.is_dir() {
        // A directory stands for what an opener will make of it, which is heard of by itself.
        heard.touch_path("writes", manner_of(flags), &path);
    }
}

fn is_written(flags: i32) -> bool {
    flags & (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC) != 0
}

/// What opening a file with such flags does to it.
fn manner_of(flags: i32) -> Manner {
    if flags & libc::O_TRUNC != 0 && flags & libc::O_EXCL == 0 {
        Manner::Replaces
    } else {
        Manner::Alters
    }
}

/// A file is about to be opened by its path from a directory that is open, of which the audit event
/// does not tell.
pub fn opens(arguments: Arguments<'_, '_>) {
    let py = arguments.py();
    let Some(directory) = keyword(arguments, "dir_fd").filter(|directory| !directory.is_none())
    else {
        return;
    };
    let Some(recording) = current(py) else {
        return;
    };
    let nothing = PyTuple::empty(py);
    unheard(|| {
        let mut positional = arguments.positional();
        let path = positional.next().and_then(|path| path_of(&path));
        let flags = positional.next().and_then(|flags| flags.extract().ok());
        let heard = Heard {
            recording,
            args: &nothing,
        };
        if let Some(path) = path {
            let path = from_descriptor(path, Some(&directory));
            let flags = flags.unwrap_or(0);
            if is_written(flags) {
                heard.touch_path("writes", manner_of(flags), &path);
            } else {
                heard.read(&path);
            }
        }
    });
}

/// A directory is made, unless there is something there already.
fn make_directory(heard: &Heard<'_, '_>) {
    let Some(path) = heard.path(0, Some(2)) else {
        return;
    };
    if std::fs::symlink_metadata(&path).is_ok() {
        heard.recording.get().note(heard.py(), |log| {
            log.see(&path, |place| {
                Subject::Status(place, Aspect::Existence, Links::Kept)
            });
        });
    } else {
        heard.touch_path("makes the directory", Manner::MakesDirectory, &path);
    }
}

/// A database is opened. What others wrote to it lately may lie in files beside it.
fn database(heard: &Heard<'_, '_>) {
    let Some(path) = heard.path(0, None) else {
        return;
    };
    let text = path.to_string_lossy();
    let file = match text.strip_prefix("file:") {
        Some(uri) => PathBuf::from(uri.split('?').next().unwrap_or(uri)),
        None => path.clone(),
    };
    if text.is_empty() || file.as_os_str() == ":memory:" || text.contains("mode=memory") {
        return;
    }
    for end in ["", "-wal", "-journal"] {
        let mut beside = file.clone().into_os_string();
        beside.push(end);
        heard.read(Path::new(&beside));
    }
}
