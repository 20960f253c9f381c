use std::cell::Cell;
use std::collections::HashSet;
use std::time::Duration;

use reoclo_domain::{Entropy, Timestamp};

use super::*;
use crate::data_dir::DataDir;
use crate::spool::Origin;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

#[test]
fn a_deadline_that_passes_while_the_id_is_written_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let data = DataDir::open(directory.path()).unwrap();
    let origin = Origin {
        boot_id: "boot".into(),
        instance_id: "instance".into(),
    };
    let (spool, recovered) = Spool::open(&data, 1 << 20, origin, &HashSet::new()).unwrap();
    let limits = Limits {
        running: 1,
        known: 10,
    };
    let operations = Operations::new(spool, recovered.ended, limits, Arc::new(Fixed));
    let id = OperationId::new(&Fixed, &Fixed);

    let asked = Cell::new(0);
    let passes_once = || {
        asked.set(asked.get() + 1);
        if asked.get() == 1 {
            Ok(())
        } else {
            Err(Refusal::new(Reason::TooLate, "too late"))
        }
    };
    let refused = operations.admit(id, passes_once).err().unwrap();
    assert_eq!(refused.reason, Reason::TooLate);
    assert!(operations.find(id).is_none());
    assert_eq!(*operations.running().borrow(), 0);
    // Nothing of it is left: the same id, in time, starts.
    assert!(matches!(
        operations.admit(id, || Ok(())),
        Ok(Admission::New(_))
    ));
}
