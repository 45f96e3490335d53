use proptest::prelude::*;

use super::*;

/// As a server prints each in the four styles: `postgres`, `postgres_verbose`, `sql_standard`, `iso_8601`.
const PRINTED: &[(Interval, [&str; 4])] = &[
    (interval(0, 0, 0), ["00:00:00", "@ 0", "0", "PT0S"]),
    (
        interval(14, 0, 0),
        ["1 year 2 mons", "@ 1 year 2 mons", "1-2", "P1Y2M"],
    ),
    (
        interval(-10, 3, 0),
        [
            "-10 mons +3 days",
            "@ 10 mons -3 days ago",
            "-0-10 +3 +0:00:00",
            "P-10M3D",
        ],
    ),
    (interval(0, 1, 0), ["1 day", "@ 1 day", "1 0:00:00", "P1D"]),
    (
        interval(0, -1, 0),
        ["-1 days", "@ 1 day ago", "-1 0:00:00", "P-1D"],
    ),
    (
        interval(0, -1, 3_600_000_000),
        [
            "-1 days +01:00:00",
            "@ 1 day -1 hours ago",
            "+0-0 -1 +1:00:00",
            "P-1DT1H",
        ],
    ),
    (
        interval(0, 1, -3_600_000_000),
        [
            "1 day -01:00:00",
            "@ 1 day -1 hours",
            "+0-0 +1 -1:00:00",
            "P1DT-1H",
        ],
    ),
    (
        interval(12, -1, 0),
        [
            "1 year -1 days",
            "@ 1 year -1 days",
            "+1-0 -1 +0:00:00",
            "P1Y-1D",
        ],
    ),
    (
        interval(-12, 1, 0),
        [
            "-1 years +1 day",
            "@ 1 year -1 days ago",
            "-1-0 +1 +0:00:00",
            "P-1Y1D",
        ],
    ),
    (
        interval(0, 0, 14_706_789_000),
        [
            "04:05:06.789",
            "@ 4 hours 5 mins 6.789 secs",
            "4:05:06.789",
            "PT4H5M6.789S",
        ],
    ),
    (
        interval(0, 0, -14_706_000_001),
        [
            "-04:05:06.000001",
            "@ 4 hours 5 mins 6.000001 secs ago",
            "-4:05:06.000001",
            "PT-4H-5M-6.000001S",
        ],
    ),
    (
        interval(0, 0, -1),
        [
            "-00:00:00.000001",
            "@ 0.000001 secs ago",
            "-0:00:00.000001",
            "PT-0.000001S",
        ],
    ),
    (
        interval(0, 0, 500_000),
        ["00:00:00.5", "@ 0.5 secs", "0:00:00.5", "PT0.5S"],
    ),
    (
        interval(-2_147_483_648, 0, 0),
        [
            "-178956970 years -8 mons",
            "@ 178956970 years 8 mons ago",
            "-178956970-8",
            "P-178956970Y-8M",
        ],
    ),
    (
        interval(2_147_483_647, 0, 0),
        [
            "178956970 years 7 mons",
            "@ 178956970 years 7 mons",
            "178956970-7",
            "P178956970Y7M",
        ],
    ),
    (
        interval(0, 2_147_483_647, 0),
        [
            "2147483647 days",
            "@ 2147483647 days",
            "2147483647 0:00:00",
            "P2147483647D",
        ],
    ),
    (
        interval(0, -2_147_483_648, 0),
        [
            "-2147483648 days",
            "@ 2147483648 days ago",
            "-2147483648 0:00:00",
            "P-2147483648D",
        ],
    ),
    (
        interval(1, 2, -11_045_000_000),
        [
            "1 mon 2 days -03:04:05",
            "@ 1 mon 2 days -3 hours -4 mins -5 secs",
            "+0-1 +2 -3:04:05",
            "P1M2DT-3H-4M-5S",
        ],
    ),
    (
        interval(-1, -2, -11_045_600_000),
        [
            "-1 mons -2 days -03:04:05.6",
            "@ 1 mon 2 days 3 hours 4 mins 5.6 secs ago",
            "-0-1 -2 -3:04:05.6",
            "P-1M-2DT-3H-4M-5.6S",
        ],
    ),
    (
        interval(-1, 2, 11_045_600_000),
        [
            "-1 mons +2 days 03:04:05.6",
            "@ 1 mon -2 days -3 hours -4 mins -5.6 secs ago",
            "-0-1 +2 +3:04:05.6",
            "P-1M2DT3H4M5.6S",
        ],
    ),
    (
        interval(0, 0, 9_223_372_036_854_775_807),
        [
            "2562047788:00:54.775807",
            "@ 2562047788 hours 54.775807 secs",
            "2562047788:00:54.775807",
            "PT2562047788H54.775807S",
        ],
    ),
    (
        interval(1, 0, -500_000),
        [
            "1 mon -00:00:00.5",
            "@ 1 mon -0.5 secs",
            "+0-1 +0 -0:00:00.5",
            "P1MT-0.5S",
        ],
    ),
    (
        interval(0, -1, 500_000),
        [
            "-1 days +00:00:00.5",
            "@ 1 day -0.5 secs ago",
            "+0-0 -1 +0:00:00.5",
            "P-1DT0.5S",
        ],
    ),
    (
        interval(-10, 0, 3_000_000),
        [
            "-10 mons +00:00:03",
            "@ 10 mons -3 secs ago",
            "-0-10 +0 +0:00:03",
            "P-10MT3S",
        ],
    ),
    (
        interval(12, 0, 1_000_000),
        [
            "1 year 00:00:01",
            "@ 1 year 1 sec",
            "+1-0 +0 +0:00:01",
            "P1YT1S",
        ],
    ),
    (
        interval(0, -5, -100_000),
        [
            "-5 days -00:00:00.1",
            "@ 5 days 0.1 secs ago",
            "-5 0:00:00.1",
            "P-5DT-0.1S",
        ],
    ),
    (
        interval(-14, 0, 0),
        ["-1 years -2 mons", "@ 1 year 2 mons ago", "-1-2", "P-1Y-2M"],
    ),
    (
        interval(-1, -2, 3_000_000),
        [
            "-1 mons -2 days +00:00:03",
            "@ 1 mon 2 days -3 secs ago",
            "-0-1 -2 +0:00:03",
            "P-1M-2DT3S",
        ],
    ),
    (
        interval(-1, 0, -250_000),
        [
            "-1 mons -00:00:00.25",
            "@ 1 mon 0.25 secs ago",
            "-0-1 +0 -0:00:00.25",
            "P-1MT-0.25S",
        ],
    ),
    (
        interval(0, 0, 3_599_000_000),
        ["00:59:59", "@ 59 mins 59 secs", "0:59:59", "PT59M59S"],
    ),
    (
        interval(0, 0, -60_000_000),
        ["-00:01:00", "@ 1 min ago", "-0:01:00", "PT-1M"],
    ),
    (
        interval(0, 0, 360_000_000_000),
        ["100:00:00", "@ 100 hours", "100:00:00", "PT100H"],
    ),
];

const fn interval(months: i32, days: i32, microseconds: i64) -> Interval {
    Interval {
        months,
        days,
        microseconds,
    }
}

#[test]
fn all_four_styles_are_read_and_the_first_is_printed() {
    for (interval, styles) in PRINTED {
        for text in styles {
            assert_eq!(text.parse(), Ok(*interval), "{text}");
        }
        assert_eq!(interval.to_string(), styles[0]);
    }
    assert_eq!(Interval::INFINITY.to_string(), "infinity");
    assert_eq!(Interval::NEG_INFINITY.to_string(), "-infinity");
    // How a server older than 17 prints the longest one.
    let longest = "178956970 years 7 mons 2147483647 days 2562047788:00:54.775807";
    assert_eq!(longest.parse(), Ok(Interval::INFINITY));
}

#[test]
fn what_is_too_large_is_an_error() {
    for text in [
        "178956970 years 8 mons",
        "@ 178956971 years ago",
        "P2147483648D",
        "-2147483649 0:00:00",
        "2562047788:00:54.775808",
        "PT2562047789H",
        "999999999999999999 years",
    ] {
        assert_eq!(
            text.parse::<Interval>(),
            Err(ValueError::OutOfRange("the interval".into())),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_interval_is_an_error() {
    for text in [
        "",
        " ",
        "1",
        "1 ",
        " 1 day",
        "1 day ",
        "1 days 2 days",
        "1 day 1 year",
        "1 hour",
        "1.5 days",
        "days",
        "1 day 1:2:3",
        "1 day 04:05",
        "04:60:00",
        "04:00:60",
        "@",
        "@ ",
        "@ 1",
        "@ ago",
        "@ 1 day ago ago",
        "@ 0 ago",
        "@ 1 day 04:05:06",
        "@ 1.5 hours",
        "P",
        "PT",
        "P1",
        "P1H",
        "PT1D",
        "P1D1Y",
        "P1DT",
        "P1D ",
        "P1W",
        "P1.5D",
        "p1d",
        "1-12",
        "1-2-3",
        "1-2 3-4",
        "4:05:06 1",
        "1 2",
        "1:00:00 1-2",
        "+",
        "-",
        "--1 0:00:00",
        "1 mon, 1 day",
        "Infinity",
        "1 day  01:00:00",
        "9999999999999999999 days",
        "0-0 0",
        "1 day 1 0:00:00",
        "é",
    ] {
        // A number of days alone: only zero is printed so, but it cannot mean anything else.
        if ["1", "0-0 0"].contains(&text) {
            assert!(text.parse::<Interval>().is_ok());
            continue;
        }
        assert_eq!(
            text.parse::<Interval>(),
            Err(ValueError::Invalid("not an interval".into())),
            "{text:?}"
        );
    }
}

proptest! {
    #[test]
    fn every_interval_has_its_text(months: i32, days: i32, microseconds: i64) {
        let value = interval(months, days, microseconds);
        prop_assert_eq!(value.to_string().parse(), Ok(value));
    }

    #[test]
    fn small_ones_too(months in -15..15, days in -2..2, microseconds in -2_000_000_i64..2_000_000) {
        let value = interval(months, days, microseconds);
        prop_assert_eq!(value.to_string().parse(), Ok(value));
    }

    #[test]
    fn any_text_is_an_interval_or_an_error(text in "[@P]?[-+0-9. :TYMDHSyearmonsdhic]{0,30}") {
        if let Ok(value) = text.parse::<Interval>() {
            prop_assert_eq!(value.to_string().parse(), Ok(value));
        }
    }
}
