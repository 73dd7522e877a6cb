//! Small files of the data directory, replaced whole: whoever reads one finds the old text or the new one.

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// What the name of a file has that holds the text before.
pub(super) const BEFORE: &str = ".before";

/// Who may read a file.
#[derive(Clone, Copy)]
pub(super) enum Readers {
    /// Its owner.
    Owner,
    /// Whoever may enter the folder.
    Anybody,
}

/// A file's next text, on stable storage beside it. It goes again unless it is put in the file's place.
pub(super) struct Next {
    path: PathBuf,
    new: PathBuf,
}

impl Next {
    /// Writes the next text of a file.
    pub(super) fn of(path: &Path, text: &str, readers: Readers) -> Result<Self> {
        let next = Self { path: path.to_owned(), new: next_of(path) };
        let mode = match readers {
            Readers::Owner => 0o600,
            Readers::Anybody => 0o644,
        };
        let write = || {
            // What an interrupted write left has perhaps other rights.
            match std::fs::remove_file(&next.new) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&next.new)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(next)
    }

    /// Puts it in the file's place, also after a power failure.
    pub(super) fn put(self) -> Result<()> {
        std::fs::rename(&self.new, &self.path).with_context(|| format!("cannot write `{}`", self.path.display()))?;
        flush_folder(self.path.parent().unwrap_or(Path::new("/")))
    }
}

/// Puts what an interrupted change has left beside a file in its place; nothing where nothing is left.
pub(super) fn put_left(path: &Path) -> Result<()> {
    let new = next_of(path);
    if !new.exists() {
        return Ok(());
    }
    std::fs::rename(&new, path).with_context(|| format!("cannot write `{}`", path.display()))?;
    flush_folder(path.parent().unwrap_or(Path::new("/")))
}

/// Where the next text of a file stands until it is put in its place.
pub(super) fn next_of(path: &Path) -> PathBuf {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    new.into()
}

impl Drop for Next {
    fn drop(&mut self) {
        // Once it was put in its place there is none.
        _ = std::fs::remove_file(&self.new);
    }
}

/// Replaces a file, and waits until it is on stable storage.
pub(super) fn replace(path: &Path, text: &str, readers: Readers) -> Result<()> {
    Next::of(path, text, readers)?.put()
}

/// Replaces a file that only its owner reads, and waits until it is on stable storage.
pub(in crate::service) fn replace_private(path: &Path, text: &str) -> Result<()> {
    replace(path, text, Readers::Owner)
}

/// Waits until the names in a folder are on stable storage.
pub(super) fn flush_folder(folder: &Path) -> Result<()> {
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).with_context(|| format!("cannot write `{}`", folder.display()))
}

/// Replaces a file that changes all the time, and keeps the text before it beside it, in a file with [`BEFORE`]: the two take
/// turns, so that no room on the disk is given back. A file system that tells the disk of free room (`discard`) holds up every
/// commit while it does. It is the new one after a power failure too, once the folder was flushed as well.
pub(super) fn take_turns(path: &Path, text: &str) -> Result<()> {
    let named = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        name
    };
    let (before, kept) = (named(BEFORE), named(".new"));
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o644).open(&before)?;
        file.write_all(text.as_bytes())?;
        let length = text.len() as u64;
        if file.metadata()?.len() != length {
            file.set_len(length)?;
        }
        file.sync_data()?;
        // A second name keeps the old text while its first one is taken over.
        let mut linked = std::fs::hard_link(path, &kept);
        if linked.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists) {
            // An interrupted turn has left it.
            std::fs::remove_file(&kept)?;
            linked = std::fs::hard_link(path, &kept);
        }
        std::fs::rename(&before, path)?;
        match linked {
            Ok(()) => std::fs::rename(&kept, &before),
            // There was none, or the file system knows no second names.
            Err(_) => Ok(()),
        }
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

/// The text of a file; none where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_not_put_in_its_place_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        replace(&path, "one", Readers::Owner).unwrap();
        drop(Next::of(&path, "another", Readers::Anybody).unwrap());
        assert_eq!(read(&path).unwrap().as_deref(), Some("one"));
        // A folder in its place cannot be replaced.
        let taken = folder.path().join("taken");
        std::fs::create_dir(&taken).unwrap();
        assert!(format!("{:#}", replace(&taken, "two", Readers::Owner).unwrap_err()).starts_with("cannot write `"));
        let mut names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["key", "taken"]);
    }

    #[test]
    fn two_files_take_turns_and_an_interrupted_turn_is_made_up_for() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (path, before, kept) = (folder.path().join("m"), folder.path().join("m.before"), folder.path().join("m.new"));
        let text = |path: &Path| read(path).unwrap();
        let file = |path: &Path| std::fs::metadata(path).unwrap().ino();
        take_turns(&path, "the first").unwrap();
        assert_eq!((text(&path).as_deref(), text(&before)), (Some("the first"), None));
        take_turns(&path, "second").unwrap();
        assert_eq!((text(&path).as_deref(), text(&before).as_deref()), (Some("second"), Some("the first")));
        let (one, other) = (file(&path), file(&before));
        take_turns(&path, "the third of them").unwrap();
        assert_eq!((text(&path).as_deref(), text(&before).as_deref()), (Some("the third of them"), Some("second")));
        assert_eq!((file(&path), file(&before)), (other, one));
        // Cut off after the second name was given, and once more after the first one was taken over.
        std::fs::hard_link(&path, &kept).unwrap();
        take_turns(&path, "4").unwrap();
        assert_eq!((text(&path).as_deref(), text(&before).as_deref()), (Some("4"), Some("the third of them")));
        std::fs::rename(&before, &kept).unwrap();
        take_turns(&path, "5").unwrap();
        assert_eq!((text(&path).as_deref(), text(&before).as_deref(), text(&kept)), (Some("5"), Some("4"), None));
    }
}
