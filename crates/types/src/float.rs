//! Floating point numbers as the server prints them since version 12: the shortest digits from which they can be read again.

use std::fmt;

/// A `float4`.
pub(crate) struct Float4(pub(crate) f32);

/// A `float8`.
pub(crate) struct Float8(pub(crate) f64);

impl fmt::Display for Float4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = [self.0, self.0.next_up(), self.0.next_down()].map(f64::from);
        print(f64::from(self.0), &shortest(&self.0, numbers), 6, f)
    }
}

impl fmt::Display for Float8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = [self.0, self.0.next_up(), self.0.next_down()];
        print(self.0, &shortest(&self.0, numbers), 15, f)
    }
}

/// The shortest digits that tell the number from its neighbours, in Rust's form. What lies exactly between the number and a neighbour is no
/// name for it: the server does not trust in how that is rounded, and writes more digits. `numbers`: it and its neighbours.
fn shortest<T: fmt::LowerExp>(value: &T, numbers: [f64; 3]) -> String {
    let digits = format!("{value:e}");
    if !is_between(&digits, numbers) {
        return digits;
    }
    let given = digits.bytes().filter(u8::is_ascii_digit).count();
    // More digits, rounded rightly, lie nearer: the first that do not lie in the middle again are the number's.
    let mut longer = (given.saturating_sub(2)..17).map(|places| format!("{value:.places$e}"));
    longer
        .find(|digits| !is_between(digits, numbers))
        .unwrap_or(digits)
}

/// Whether the digits lie exactly between the first number and one of the others. These are whole numbers then, since only such are further
/// apart than two of any digits.
fn is_between(digits: &str, [number, next, previous]: [f64; 3]) -> bool {
    let exact = |number: f64| -> Option<i128> {
        // Below that every whole number is exact, and so are its halves.
        let is_whole = number.fract() == 0.0 && number.abs() < 1e36;
        is_whole
            .then(|| format!("{number:.0}").parse().ok())
            .flatten()
    };
    let doubled = || -> Option<i128> {
        let (mantissa, exponent) = digits.split_once('e')?;
        let places = mantissa
            .split_once('.')
            .map_or(0, |(_, places)| places.len());
        let exponent = exponent.parse::<usize>().ok()?.checked_sub(places)?;
        let mantissa: i128 = mantissa.replace('.', "").parse().ok()?;
        let scale = 10_i128.checked_pow(u32::try_from(exponent).ok()?)?;
        mantissa.checked_mul(scale)?.checked_mul(2)
    };
    let Some(number) = exact(number).filter(|number| number.unsigned_abs() > 1 << 24) else {
        return false;
    };
    let neighbours = [next, previous].into_iter().filter_map(exact);
    doubled().is_some_and(|doubled| {
        neighbours
            .map(|neighbour| neighbour + number)
            .any(|sum| sum == doubled)
    })
}

/// The digits, as the server writes them: with an exponent when that is below -4, or as
/// large as the type has digits. `scientific` is Rust's form of the number: `1.5e-7`.
fn print(value: f64, scientific: &str, precise: i32, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    if value.is_nan() {
        return out.write_str("NaN");
    }
    if value.is_infinite() {
        return out.write_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= precise {
        let sign = if exponent < 0 { '-' } else { '+' };
        return write!(out, "{mantissa}e{sign}{:02}", exponent.unsigned_abs());
    }
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", mantissa),
    };
    out.write_str(sign)?;
    let digits: String = digits.chars().filter(|c| *c != '.').collect();
    match usize::try_from(exponent) {
        Err(_) => {
            let zeros = usize::try_from(exponent.unsigned_abs()).unwrap_or(1);
            write!(out, "0.{:0<1$}{digits}", "", zeros.saturating_sub(1))
        }
        Ok(exponent) => {
            let whole = exponent.saturating_add(1);
            match digits.split_at_checked(whole) {
                Some((whole, "")) => out.write_str(whole),
                Some((whole, fraction)) => write!(out, "{whole}.{fraction}"),
                None => write!(out, "{digits:0<whole$}"),
            }
        }
    }
}
