//! SASLprep (RFC 4013), the way PostgreSQL does it.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::error::NonAsciiPassword;
use super::password::Password;

/// The bytes that SCRAM's keys are derived from.
///
/// Like libpq's `scram_init`: what SASLprep cannot prepare, because it is not UTF-8 or has something
/// prohibited in it, is taken as it is. ASCII comes out as it went in, control characters and NUL
/// included: they are prohibited.
///
/// # Errors
///
/// Without the feature `std`, for any password that is not ASCII.
#[cfg_attr(
    feature = "std",
    expect(clippy::unnecessary_wraps, reason = "fails without the feature")
)]
pub(crate) fn saslprep(password: &Password) -> Result<Zeroizing<Vec<u8>>, NonAsciiPassword> {
    let raw = password.as_bytes();
    if raw.is_ascii() {
        return Ok(Zeroizing::new(raw.to_vec()));
    }

    #[cfg(feature = "std")]
    return Ok(unicode::prepare(raw).unwrap_or_else(|| Zeroizing::new(raw.to_vec())));

    #[cfg(not(feature = "std"))]
    return Err(NonAsciiPassword);
}

/// What `pg_saslprep` does, including what it does differently from RFC 3454: it checks the characters
/// *before* normalization. The server made its keys that way, so any other way is another password:
/// U+213C (unassigned in Unicode 3.2) would become a π that the server never saw.
#[cfg(feature = "std")]
mod unicode {
    use stringprep::tables;
    use unicode_normalization::UnicodeNormalization as _;

    use super::{Vec, Zeroizing};

    /// `None` if `raw` is not UTF-8, has something prohibited in it, or comes to nothing.
    pub(super) fn prepare(raw: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mapped = core::str::from_utf8(raw).ok()?.chars().filter_map(map);
        mapped.clone().next()?;
        if mapped.clone().any(is_prohibited) || !is_one_way(&mapped) {
            return None;
        }

        // Counted first: a vector that grows leaves copies of the password behind.
        let length = mapped.clone().nfkc().map(char::len_utf8).sum();
        let mut prepared = Zeroizing::new(Vec::with_capacity(length));
        for character in mapped.nfkc() {
            prepared.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Some(prepared)
    }

    /// RFC 4013, section 2.1. U+200B is in both tables, and becomes a space.
    fn map(character: char) -> Option<char> {
        if tables::non_ascii_space_character(character) {
            Some(' ')
        } else {
            (!tables::commonly_mapped_to_nothing(character)).then_some(character)
        }
    }

    /// RFC 4013, sections 2.3 and 2.5.
    pub(super) fn is_prohibited(character: char) -> bool {
        tables::non_ascii_space_character(character)
            || tables::ascii_control_character(character)
            || tables::non_ascii_control_character(character)
            || tables::private_use(character)
            || tables::non_character_code_point(character)
            || tables::surrogate_code(character)
            || tables::inappropriate_for_plain_text(character)
            || tables::inappropriate_for_canonical_representation(character)
            || tables::change_display_properties_or_deprecated(character)
            || tables::tagging_character(character)
            || tables::unassigned_code_point(character)
    }

    /// RFC 3454, section 6: right-to-left text has nothing left-to-right in it, at least nothing with
    /// a strong direction, and begins and ends with a right-to-left character.
    fn is_one_way(text: &(impl Iterator<Item = char> + Clone)) -> bool {
        let is_right_to_left = tables::bidi_r_or_al;
        if !text.clone().any(is_right_to_left) {
            return true;
        }
        text.clone().next().is_some_and(is_right_to_left)
            && text.clone().last().is_some_and(is_right_to_left)
            && !text.clone().any(is_left_to_right)
    }

    /// Table D.2 of RFC 3454, as far as it can get here. `tables::bidi_l` has today's directions; what
    /// changed since Unicode 3.2 is put back.
    pub(super) fn is_left_to_right(character: char) -> bool {
        let only_today = matches!(
            character,
            '\u{0CBF}' | '\u{0CC6}' | '\u{1734}' | '\u{2132}' | '\u{302E}' | '\u{302F}'
            // Braille.
            | '\u{2800}'..='\u{28FF}'
        );
        let only_then = matches!(
            character,
            '\u{17B4}' | '\u{17B5}' | '\u{1885}' | '\u{1886}'
            // Nabla and the partial differential among the mathematical letters.
            | '\u{1D6C1}' | '\u{1D6DB}' | '\u{1D6FB}' | '\u{1D715}' | '\u{1D735}'
            | '\u{1D74F}' | '\u{1D76F}' | '\u{1D789}' | '\u{1D7A9}' | '\u{1D7C3}'
        );
        only_then || (tables::bidi_l(character) && !only_today)
    }
}

#[cfg(test)]
mod tests;
