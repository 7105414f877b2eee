//! What LMDB writes is taken for whole, and what it would stumble over is not.

use super::layout::HEAD;
use super::*;
use crate::access::Keeper;
use heed::types::Bytes;
use heed::{EnvOpenOptions, WithoutTls};
use proptest::prelude::*;

type Env = heed::Env<WithoutTls>;

#[derive(Clone, Debug)]
enum Step {
    Put(u16, usize),
    Delete(u16),
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let long = prop_oneof![8 => 0..600usize, 1 => 2000..20_000usize];
    let step = prop_oneof![
        60 => (0..2000u16, long).prop_map(|(key, len)| Step::Put(key, len)),
        40 => (0..2000u16).prop_map(Step::Delete),
        1 => Just(Step::Clear),
    ];
    let commit = prop::collection::vec(step, 1..150);
    prop::collection::vec(commit, 1..20)
}

/// An environment with two tables.
struct Place {
    env: Env,
    tables: [heed::Database<'static, Bytes, Bytes>; 2],
    dir: tempfile::TempDir,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(1 << 28).max_dbs(4);
    // SAFETY: nobody else writes to a file in a directory of our own.
    #[expect(unsafe_code)]
    let env = unsafe { options.open(dir.path()) }.unwrap();
    let txn = env.write_txn().unwrap();
    let made = env.create_databases_and_commit(txn, |opener, txn| {
        let mut create = |name| opener.create_database(txn, Some(name));
        let tables = [create("even")?, create("odd")?];
        Ok::<_, heed::Error>(heed::CommitOrAbort::<_, ()>::Commit(tables))
    });
    let tables = made.unwrap().commit().unwrap();
    Place { env, tables, dir }
}

/// More than a commit of these tests adds.
const ROOM: u64 = 4 << 20;

fn commit(place: &Place, steps: &[Step]) {
    let Place { env, tables, .. } = place;
    let mut txn = env.write_txn().unwrap();
    // As the index does: pages at the end that are freed where they began are never written.
    let end = (env.info().last_page_number as u64 + 1)
        * u64::from(tables[0].stat(&txn).unwrap().page_size);
    let data = opened(place);
    if data.metadata().unwrap().len() < end + ROOM {
        data.set_len(end + ROOM).unwrap();
    }
    let key = |key: u16| [&[7; 40][..], &key.to_be_bytes()].concat();
    for step in steps {
        match step {
            Step::Put(n, len) => {
                let table = tables[usize::from(n % 2)];
                table.put(&mut txn, &key(*n), &vec![1; *len]).unwrap();
            }
            Step::Delete(n) => {
                let table = tables[usize::from(n % 2)];
                table.delete(&mut txn, &key(*n)).unwrap();
            }
            Step::Clear => tables[0].clear(&mut txn).unwrap(),
        }
    }
    txn.commit().unwrap();
}

fn opened(place: &Place) -> File {
    Keeper::default()
        .open_or_make(&place.dir.path().join("data.mdb"))
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_lmdb_writes_fits_together(steps in steps()) {
        let place = place();
        let data = opened(&place);
        check(&data).unwrap();
        // A reader keeps the pages of its time from being used again.
        let mut reader = None;
        for (turn, steps) in steps.iter().enumerate() {
            commit(&place, steps);
            if let Err(error) = check(&data) {
                prop_assert!(false, "{error}");
            }
            prop_assert!(Head::of(&data).unwrap().follows);
            if turn % 7 == 0 {
                drop(reader.take());
                reader = Some(place.env.read_txn().unwrap());
            }
        }
    }
}

/// A file with pages of each kind, and its bytes.
fn file() -> (Place, File, Vec<u8>) {
    let place = place();
    let puts: Vec<_> = (0..400)
        .map(|n| Step::Put(n, usize::from(n % 7) * 300))
        .collect();
    commit(&place, &puts);
    commit(
        &place,
        &[Step::Put(1, 9000), Step::Put(3, 9000), Step::Clear],
    );
    commit(&place, &[Step::Put(2, 100)]);
    let data = opened(&place);
    check(&data).unwrap();
    let content = std::fs::read(place.dir.path().join("data.mdb")).unwrap();
    (place, data, content)
}

#[test]
fn a_bit_in_the_header_of_a_page_is_noticed() {
    let (_place, data, content) = file();
    let head = Head::of(&data).unwrap();
    let page = head.page;
    let mut kinds = [0; 3];
    for number in 2..=usize::try_from(head.last).unwrap() {
        let at = number * page;
        let kind = short(&content, at + 10);
        let is_used = {
            data.write_all_at(&[0xFF; HEADER], at as u64).unwrap();
            let found = check(&data).is_err();
            data.write_all_at(&content[at..at + HEADER], at as u64)
                .unwrap();
            found
        };
        if !is_used {
            continue;
        }
        kinds[kind.trailing_zeros() as usize] += 1;
        for byte in [0, 3, 7, 10, 11, 12, 13, 14, 15] {
            if kind == RUN && byte > 11 {
                continue;
            }
            for bit in 0..8 {
                let flipped = [content[at + byte] ^ (1 << bit)];
                data.write_all_at(&flipped, (at + byte) as u64).unwrap();
                let found = check(&data).unwrap_err();
                assert!(is_rot(&found), "{found}");
                data.write_all_at(&content[at..at + HEADER], at as u64)
                    .unwrap();
            }
        }
    }
    check(&data).unwrap();
    assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
}

#[test]
fn a_file_that_is_cut_off_is_noticed() {
    let (_place, data, content) = file();
    let head = Head::of(&data).unwrap();
    for len in [0, 1, HEAD, head.page, head.page + 1, 2 * head.page] {
        data.set_len(len as u64).unwrap();
        assert!(is_rot(&check(&data).unwrap_err()));
    }
    data.write_all_at(&content, 0).unwrap();
    check(&data).unwrap();
    data.set_len(head.last * head.page as u64).unwrap();
    assert!(is_rot(&check(&data).unwrap_err()));
}

#[test]
fn a_head_that_says_something_impossible_is_noticed() {
    let (_place, data, content) = file();
    for head in [0, Head::of(&data).unwrap().page] {
        // Its kind, magic, version, size of pages, flags of tables, last page, place.
        for byte in [10, 16, 20, 40, 41, 44, 45, 92, 141, 144] {
            let at = head + byte;
            data.write_all_at(&[content[at] ^ 1], at as u64).unwrap();
            assert!(is_rot(&check(&data).unwrap_err()), "byte {byte} of {head}");
            data.write_all_at(&content[at..=at], at as u64).unwrap();
        }
    }
    check(&data).unwrap();
}
