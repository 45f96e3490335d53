//! Numbers for people.

/// With three significant digits.
pub fn significant(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let decimals = (0..6).find(|&decimals| value.abs() * 10_f64.powi(decimals) >= 99.95);
    let decimals = usize::try_from(decimals.unwrap_or(6)).unwrap_or(6);
    format!("{value:.decimals$}")
}

/// How often something happens in a unit: two decimals, or as many as say something, and none that are zero.
pub fn count(value: f64) -> String {
    let text = match value.abs() {
        0.095.. => format!("{value:.2}"),
        0.0005.. => format!("{value:.4}"),
        0.0 => return "0".into(),
        _ => return "< 0.0005".into(),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// With two decimals.
pub fn ratio(value: f64) -> String {
    format!("{value:.2}")
}

/// A whole number, with a comma before each three digits.
pub fn thousands(value: f64) -> String {
    purepg_bench_page::grouped(&format!("{value:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_say_something() {
        let numbers = [
            0.0,
            0.01334,
            0.4751,
            3.69,
            9.996,
            66.44,
            1240.4,
            0.000_000_1,
        ];
        let texts = [
            "0", "0.0133", "0.475", "3.69", "10.0", "66.4", "1240", "0.000000",
        ];
        assert_eq!(numbers.map(significant), texts);
    }

    #[test]
    fn counts_are_short() {
        let counts = [0.0, 3.0, 3.125, 20.0, 0.1, 0.0123, 0.000_04];
        let texts = ["0", "3", "3.12", "20", "0.1", "0.0123", "< 0.0005"];
        assert_eq!(counts.map(count), texts);
    }

    #[test]
    fn thousands_are_told_apart() {
        let numbers = [7.0, 999.6, 12_345.0, 1_234_567.0];
        assert_eq!(
            numbers.map(thousands),
            ["7", "1,000", "12,345", "1,234,567"]
        );
    }
}
