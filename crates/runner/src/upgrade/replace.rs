//! One program takes the place of another.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use reoclo_domain::Timestamp;

use super::record::{Kind, Record};
use super::{Prepared, UpgradeOptions, guard, previous};
use crate::data_dir::DataDir;

/// Puts the new program in its place and becomes it; comes back only when that failed, with the
/// present program in its place.
pub(crate) fn become_it(
    prepared: Prepared,
    options: &UpgradeOptions,
    dir: &DataDir,
    now: Timestamp,
) {
    let program = &options.program;
    let record = prepared.record.clone();
    let error = match put_in_place(prepared, program, dir, || Ok(())) {
        Ok(()) => {
            tracing::info!("this process becomes the new program");
            guard::start(options, dir);
            Command::new(program).args(&options.arguments).exec()
        }
        Err(error) => error,
    };
    tracing::error!(%error, "the new program could not take this one's place");
    let reason = error.to_string();
    if let Err(error) = roll_back(record, program, dir, (Kind::Time, &reason), now) {
        tracing::error!(%error, "the previous program could not be put back");
    }
}

/// Keep, then note, then put: whatever moment a crash comes in, what is noted names both programs,
/// and both are there. `between` is called between the steps.
fn put_in_place(
    prepared: Prepared,
    program: &Path,
    dir: &DataDir,
    mut between: impl FnMut() -> io::Result<()>,
) -> io::Result<()> {
    let Prepared { file, record } = prepared;
    keep(program, &record)?;
    between()?;
    record.save(dir)?;
    between()?;
    file.put(program)?;
    sync(program)?;
    between()
}

/// Puts the previous program back, and remembers why: only where the two are the very programs
/// that the record names. Where they are not, somebody else has changed the program since.
pub(super) fn roll_back(
    mut record: Record,
    program: &Path,
    dir: &DataDir,
    why: (Kind, &str),
    now: Timestamp,
) -> io::Result<()> {
    let previous = previous(program);
    if record.is_of(program) && record.is_after(&previous) {
        fs::rename(previous, program)?;
        sync(program)?;
    } else if !record.is_after(program) {
        tracing::warn!("the program was changed by somebody else meanwhile, and stays");
        return Record::forget(dir);
    }
    record.fail(why, now);
    record.save(dir)
}

/// Gives the present program a second name: at no moment is there none of its own.
fn keep(program: &Path, record: &Record) -> io::Result<()> {
    if !record.is_after(program) {
        return Err(io::Error::other(
            "another program was put in its place meanwhile",
        ));
    }
    let previous = previous(program);
    let beside = program.with_file_name(".reoclo.previous");
    remove(&beside)?;
    fs::hard_link(program, &beside)?;
    fs::rename(&beside, previous)?;
    // It is still there when it was kept already.
    remove(&beside)?;
    sync(program)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync(program: &Path) -> io::Result<()> {
    File::open(program.parent().unwrap_or(Path::new("/")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use reoclo_wire::handshake::ProgramOffer;

    use super::super::download::{Downloaded, checksum};
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(5);

    struct Place {
        _held: tempfile::TempDir,
        dir: DataDir,
        program: PathBuf,
    }

    impl Place {
        /// With the present program, and an older one that was kept at an earlier change.
        fn new() -> Self {
            let held = tempfile::tempdir().unwrap();
            let dir = DataDir::open(&held.path().join("data")).unwrap();
            let program = held.path().join("reoclo");
            fs::write(&program, "present").unwrap();
            fs::write(previous(&program), "oldest").unwrap();
            Self {
                _held: held,
                dir,
                program,
            }
        }

        fn prepared(&self) -> Prepared {
            let file = self.program.with_file_name("new");
            fs::write(&file, "new").unwrap();
            let offer = ProgramOffer {
                version: "9.0.0".into(),
                platform: crate::platform(),
                sha256: checksum(&file).unwrap(),
                size: 3,
            };
            let own = checksum(&self.program).unwrap();
            Prepared {
                file: Downloaded::at(file),
                record: Record::new(&offer, own, None),
            }
        }

        /// As far as `steps`, and then the power is gone.
        fn change(&self, mut steps: usize) {
            let _ = put_in_place(self.prepared(), &self.program, &self.dir, || {
                steps = steps
                    .checked_sub(1)
                    .ok_or_else(|| io::Error::other("a crash"))?;
                Ok(())
            });
        }

        fn present(&self) -> String {
            fs::read_to_string(&self.program).unwrap()
        }
    }

    #[test]
    fn a_crash_at_any_step_leaves_the_present_program_or_the_new_one() {
        for steps in 0..=3 {
            let place = Place::new();
            place.change(steps);
            let is_new = steps >= 2;
            let expected = if is_new { "new" } else { "present" };
            assert_eq!(place.present(), expected, "{steps}");
            let trying = Record::trying(&place.dir);
            let is_tried = trying.as_ref().is_some_and(|it| it.is_of(&place.program));
            assert_eq!(is_tried, is_new, "{steps}");
            // Whoever gives up now gets the present one back, and never the oldest.
            if let Some(record) = trying {
                let why = (Kind::End, "it is no good");
                roll_back(record, &place.program, &place.dir, why, NOW).unwrap();
            }
            assert_eq!(place.present(), "present", "{steps}");
        }
    }

    #[test]
    fn a_crash_while_it_goes_back_is_no_harm() {
        let place = Place::new();
        place.change(3);
        let record = Record::trying(&place.dir).unwrap();
        fs::rename(previous(&place.program), &place.program).unwrap();
        // The program of before is there; that the change failed was not noted yet.
        assert!(!record.is_of(&place.program));
        let why = (Kind::End, "it is no good");
        roll_back(record, &place.program, &place.dir, why, NOW).unwrap();
        assert_eq!(place.present(), "present");
    }

    #[test]
    fn a_program_that_somebody_else_put_there_stays() {
        let place = Place::new();
        place.change(3);
        let record = Record::trying(&place.dir).unwrap();
        fs::write(&place.program, "by hand").unwrap();
        let why = (Kind::Time, "it did not connect");
        roll_back(record, &place.program, &place.dir, why, NOW).unwrap();
        assert_eq!(place.present(), "by hand");
        assert_eq!(Record::load(&place.dir), None);
        // Nor does what is kept come back that the record does not name.
        let place = Place::new();
        place.change(3);
        let record = Record::trying(&place.dir).unwrap();
        fs::write(previous(&place.program), "oldest").unwrap();
        roll_back(record, &place.program, &place.dir, why, NOW).unwrap();
        assert_eq!(place.present(), "new");
    }

    #[test]
    fn a_change_is_not_begun_where_the_program_is_another_already() {
        let place = Place::new();
        let prepared = place.prepared();
        fs::write(&place.program, "by hand").unwrap();
        assert!(put_in_place(prepared, &place.program, &place.dir, || Ok(())).is_err());
        assert_eq!(place.present(), "by hand");
        assert_eq!(Record::load(&place.dir), None);
    }
}
