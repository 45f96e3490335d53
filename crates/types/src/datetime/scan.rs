//! Reading the text of dates and times, piece by piece.

/// What is left of a text.
pub(super) struct Scan<'a>(pub(super) &'a [u8]);

impl<'a> Scan<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes this text, when it is the next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        match self.0.strip_prefix(text.as_bytes()) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Takes what comes next and is accepted.
    pub(super) fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.0.iter().take_while(|&&byte| accept(byte)).count();
        let (taken, rest) = self.0.split_at_checked(length).unwrap_or((self.0, &[]));
        self.0 = rest;
        taken
    }

    /// A number of `min` to `max` digits.
    pub(super) fn number(&mut self, min: usize, max: usize) -> Option<i64> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if !(min..=max).contains(&digits.len()) {
            return None;
        }
        digits.iter().try_fold(0_i64, |number, digit| {
            number.checked_mul(10)?.checked_add((digit - b'0').into())
        })
    }

    /// A part of a date or a time.
    pub(super) fn two(&mut self) -> Option<u8> {
        u8::try_from(self.number(2, 2)?).ok()
    }

    /// A point and up to six digits, as microseconds; 0 when there is no point.
    pub(super) fn fraction(&mut self) -> Option<i64> {
        if !self.eat(".") {
            return Some(0);
        }
        let before = self.0.len();
        let number = self.number(1, 6)?;
        let missing = 6_usize.checked_sub(before - self.0.len())?;
        (0..missing).try_fold(number, |number, _| number.checked_mul(10))
    }

    /// A sign; `None` when there is none.
    pub(super) fn sign(&mut self) -> Option<i64> {
        if self.eat("-") {
            Some(-1)
        } else if self.eat("+") {
            Some(1)
        } else {
            None
        }
    }
}
