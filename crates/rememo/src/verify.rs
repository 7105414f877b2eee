//! Makes a call again whose result is stored, to see whether it comes out the same.

use crate::call::{keep, lease};
use crate::callee::Callee;
use crate::event::Event;
use crate::flight::Claim;
use crate::meter::{self, Step};
use crate::recall::{Recalled, find_or_adopt};
use crate::store::Store;

/// Makes a call that would hit, compares what it returns with what is stored, and tells of it. A
/// result that differs takes the place of the stored one. Nothing is done where nothing fitting is
/// stored.
pub(crate) fn verify<C: Callee>(
    store: &Store,
    callee: &mut C,
) -> Result<Option<C::Value>, C::Error> {
    let Ok(key) = meter::time(Step::Key, || callee.key()) else {
        return Ok(None);
    };
    let digest = key.digest();
    let found = meter::time(Step::Lookup, || find_or_adopt(store, callee, &key));
    let Recalled::Found { value: encoded, .. } = found else {
        return Ok(None);
    };
    let Ok(stored) = meter::time(Step::Decode, || callee.decode(&encoded)) else {
        return Ok(None);
    };
    let lease = lease(callee);
    let (fresh, compute_ns) = meter::run(|| callee.run());
    let fresh = fresh?;
    let difference = meter::time(Step::Encode, || match callee.encode(&fresh) {
        Ok(again) if again == encoded => None,
        _ => callee.difference(&stored, &fresh),
    });
    let differs = difference.is_some();
    let event = Event::Verified {
        function: key.function.clone(),
        key: digest,
        difference,
        spent: meter::take(),
    };
    callee.detached(|| store.events().emit(&event));
    if differs {
        let mut claim = Claim::without(false);
        keep(store, callee, key, &fresh, (compute_ns, lease), &mut claim);
    }
    Ok(Some(fresh))
}
