//! Byte-range locks owned by an open file description: the one fenced place for `fcntl`.
#![expect(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Tries to lock one byte for this open file description; `false` if another one holds it.
pub(crate) fn try_lock(file: &File, byte: u64) -> io::Result<bool> {
    match set(file, byte, libc::F_WRLCK, libc::F_OFD_SETLK) {
        Ok(()) => Ok(true),
        Err(error) => match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EACCES) => Ok(false),
            _ => Err(error),
        },
    }
}

/// Locks one byte, waiting for as long as another open file description holds it.
pub(crate) fn lock(file: &File, byte: u64) -> io::Result<()> {
    loop {
        match set(file, byte, libc::F_WRLCK, libc::F_OFD_SETLKW) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// Unlocks one byte.
pub(crate) fn unlock(file: &File, byte: u64) -> io::Result<()> {
    set(file, byte, libc::F_UNLCK, libc::F_OFD_SETLK)
}

fn set(file: &File, byte: u64, kind: libc::c_int, command: libc::c_int) -> io::Result<()> {
    let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
    // SAFETY: `flock` is plain old data, for which all zeroes is a valid value; open-file locks
    // require that `l_pid` be zero.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = libc::c_short::try_from(kind).map_err(invalid)?;
    range.l_whence = libc::c_short::try_from(libc::SEEK_SET).map_err(invalid)?;
    range.l_start = libc::off_t::try_from(byte).map_err(invalid)?;
    range.l_len = 1;
    // SAFETY: the descriptor is open for as long as `file` is borrowed, and these commands only
    // read the `flock` that is passed, which lives until the call returns.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw const range) };
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_locked_one_by_one() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let open = || File::options().read(true).write(true).open(&path).unwrap();
        let (first, second) = (open(), open());
        assert!(try_lock(&first, 3).unwrap());
        assert!(!try_lock(&second, 3).unwrap());
        assert!(try_lock(&second, 4).unwrap());
        unlock(&first, 3).unwrap();
        lock(&second, 3).unwrap();
        assert!(!try_lock(&first, 3).unwrap());
    }
}
