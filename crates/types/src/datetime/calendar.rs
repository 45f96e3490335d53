//! The proleptic Gregorian calendar, counted from 2000-01-01, with a year 0, which is 1 BC.

/// From 1 March of year 0, where a leap day is the last of its year, to 2000-01-01.
const DAYS_BEFORE_2000: i64 = 730_425;
const DAYS_PER_ERA: i64 = 146_097;

/// The day of a date; `None` when the calendar has no such date.
pub(super) fn to_days(year: i64, month: u8, day: u8) -> Option<i64> {
    if day == 0 || day > days_in_month(year, month)? {
        return None;
    }
    let (year, month) = match month {
        1 | 2 => (year.checked_sub(1)?, i64::from(month) + 9),
        _ => (year, i64::from(month) - 3),
    };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_BEFORE_2000;
    era.checked_mul(DAYS_PER_ERA)?.checked_add(days)
}

/// The year, the month and the day of a day that is at most a few millennia of millennia away.
pub(super) fn from_days(days: i64) -> (i64, u8, u8) {
    let days = days + DAYS_BEFORE_2000;
    let (era, of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (next, month) = if month < 10 {
        (0, month + 3)
    } else {
        (1, month - 9)
    };
    (era * 400 + year + next, small(month), small(day))
}

fn days_in_month(year: i64, month: u8) -> Option<u8> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 if is_leap => Some(29),
        2 => Some(28),
        _ => None,
    }
}

fn small(value: i64) -> u8 {
    u8::try_from(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_are_known() {
        for ((year, month, day), days) in [
            ((2000, 1, 1), 0),
            ((1999, 12, 31), -1),
            ((2000, 2, 29), 59),
            ((2000, 3, 1), 60),
            ((1970, 1, 1), -10_957),
            ((-4713, 11, 24), -2_451_545),
            ((5_874_897, 12, 31), 2_145_031_948),
            ((0, 2, 29), -730_426),
        ] {
            assert_eq!(to_days(year, month, day), Some(days));
            assert_eq!(from_days(days), (year, month, day));
        }
    }

    #[test]
    fn every_day_of_two_eras_is_followed_by_the_next() {
        let mut expected = (-1, 12, 31);
        let mut day = to_days(-1, 12, 31).unwrap();
        while expected.0 < 801 {
            assert_eq!(from_days(day), expected);
            assert_eq!(to_days(expected.0, expected.1, expected.2), Some(day));
            let (year, month, date) = expected;
            expected = if date < days_in_month(year, month).unwrap() {
                (year, month, date + 1)
            } else if month < 12 {
                (year, month + 1, 1)
            } else {
                (year + 1, 1, 1)
            };
            day += 1;
        }
    }

    #[test]
    fn what_the_calendar_has_not() {
        for (year, month, day) in [
            (2023, 2, 29),
            (1900, 2, 29),
            (2000, 2, 30),
            (2000, 4, 31),
            (2000, 0, 1),
            (2000, 13, 1),
            (2000, 1, 0),
            (2000, 1, 32),
            (i64::MAX, 1, 1),
            (i64::MIN, 1, 1),
        ] {
            assert_eq!(to_days(year, month, day), None, "{year}-{month}-{day}");
        }
    }
}
