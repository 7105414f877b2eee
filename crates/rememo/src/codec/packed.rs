//! Compression, by zstd (RFC 8878) at its quickest: of streams, which nobody maps. It is done where
//! results are written, off the path of the call.

use bytes::Bytes;
use zstd::bulk;
use zstd::zstd_safe::get_frame_content_size;

use super::Damage;

/// Fewer bytes are not worth it; more would be in memory a second time, where they are written piece by
/// piece otherwise.
const SIZES: std::ops::RangeInclusive<usize> = 4 << 10..=256 << 20;
const LEVEL: i32 = 1;
/// What becomes no smaller than by an eighth stays as it is.
const WORTH: (usize, usize) = (7, 8);
/// Nothing is stored that becomes more than so many times as large when it is read: a damaged file must
/// not have us allocate whatever it says.
const MOST: usize = 100;

/// The same bytes, compressed, if that is worth it.
pub(super) fn packed(bytes: &Bytes) -> Option<Bytes> {
    if !SIZES.contains(&bytes.len()) {
        return None;
    }
    let packed = bulk::compress(bytes, LEVEL).ok()?;
    let is_worth_it = packed.len() <= bytes.len() / WORTH.1 * WORTH.0;
    (is_worth_it && bytes.len() <= packed.len() * MOST).then(|| packed.into())
}

/// What bytes were before they were compressed.
pub(super) fn unpacked(bytes: &Bytes) -> Result<Bytes, Damage> {
    let len = get_frame_content_size(bytes).ok().flatten();
    let len = len.and_then(|len| usize::try_from(len).ok());
    let len = len.filter(|len| *len <= bytes.len().saturating_mul(MOST));
    let unpacked = bulk::decompress(bytes, len.ok_or(Damage::Packed)?);
    unpacked.map(Bytes::from).map_err(|_| Damage::Packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: usize) -> Bytes {
        let lines: Vec<_> = (0..lines)
            .map(|line| format!("{line},{}", line * line))
            .collect();
        lines.join("\n").into()
    }

    #[test]
    fn text_becomes_smaller_and_comes_back() {
        let text = text(10_000);
        let packed = packed(&text).expect("worth it");
        assert!(packed.len() < text.len() * 7 / 8);
        assert_eq!(unpacked(&packed), Ok(text));
    }

    #[test]
    fn what_is_short_or_noise_or_all_the_same_stays_as_it_is() {
        assert_eq!(packed(&text(100)), None);
        assert_eq!(packed(&vec![0; 1 << 20].into()), None);
        let mut state = 1_u64;
        let noise = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state.to_be_bytes()[0]
        });
        assert_eq!(packed(&noise.take(1 << 16).collect()), None);
    }

    #[test]
    fn what_claims_to_be_larger_than_it_can_is_refused() {
        let bomb = bulk::compress(&vec![0; 1 << 30], LEVEL).expect("compresses");
        assert_eq!(unpacked(&bomb.into()), Err(Damage::Packed));
        assert_eq!(
            unpacked(&Bytes::from_static(b"no frame")),
            Err(Damage::Packed)
        );
        let cut = packed(&text(10_000)).expect("worth it").slice(..1000);
        assert_eq!(unpacked(&cut), Err(Damage::Packed));
    }
}
