//! The geometric types as text.

use std::fmt;
use std::str::FromStr;

use super::{Box, Circle, Line, Lseg, Path, Point, Polygon};
use crate::error::ValueError;
use crate::float::Float8;

/// What is left of a text.
struct Scan<'a>(&'a str);

impl Scan<'_> {
    fn eat(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    fn float(&mut self) -> Option<f64> {
        let end = self.0.find([',', '(', ')', '[', ']', '{', '}', '<', '>']);
        let (text, rest) = self.0.split_at_checked(end.unwrap_or(self.0.len()))?;
        self.0 = rest;
        let value: f64 = text.parse().ok()?;
        // Rust reads what is too large as infinity; the server prints no such thing.
        let is_named = text.ends_with(|c: char| c.is_ascii_alphabetic());
        (value.is_finite() || is_named).then_some(value)
    }

    fn point(&mut self) -> Option<Point> {
        self.eat("(")?;
        let x = self.float()?;
        self.eat(",")?;
        let y = self.float()?;
        self.eat(")")?;
        Some(Point { x, y })
    }

    fn two_points(&mut self) -> Option<(Point, Point)> {
        let first = self.point()?;
        self.eat(",")?;
        Some((first, self.point()?))
    }

    fn points(&mut self) -> Option<Vec<Point>> {
        let mut points = vec![self.point()?];
        while self.eat(",").is_some() {
            points.push(self.point()?);
        }
        Some(points)
    }
}

macro_rules! from_str {
    ($($rust:ty, $name:literal: $scan:ident => $value:expr;)*) => { $(
        impl FromStr for $rust {
            type Err = ValueError;

            /// Reads the form that PostgreSQL prints.
            ///
            /// # Errors
            /// When it is not in that form.
            fn from_str(text: &str) -> Result<Self, ValueError> {
                let read = |$scan: &mut Scan<'_>| $value;
                let mut scan = Scan(text);
                read(&mut scan)
                    .filter(|_| scan.0.is_empty())
                    .ok_or_else(|| ValueError::Invalid(concat!("not a ", $name).into()))
            }
        }
    )* };
}

from_str! {
    Point, "point": scan => scan.point();
    Line, "line": scan => {
        scan.eat("{")?;
        let a = scan.float()?;
        scan.eat(",")?;
        let b = scan.float()?;
        scan.eat(",")?;
        let c = scan.float()?;
        scan.eat("}")?;
        Some(Self { a, b, c })
    };
    Lseg, "line segment": scan => {
        scan.eat("[")?;
        let (start, end) = scan.two_points()?;
        scan.eat("]")?;
        Some(Self { start, end })
    };
    Box, "box": scan => {
        let (high, low) = scan.two_points()?;
        Some(Self { high, low })
    };
    Path, "path": scan => {
        let is_closed = scan.eat("[").is_none();
        if is_closed {
            scan.eat("(")?;
        }
        let points = scan.points()?;
        scan.eat(if is_closed { ")" } else { "]" })?;
        Some(Self { is_closed, points })
    };
    Polygon, "polygon": scan => {
        scan.eat("(")?;
        let points = scan.points()?;
        scan.eat(")")?;
        Some(Self { points })
    };
    Circle, "circle": scan => {
        scan.eat("<")?;
        let center = scan.point()?;
        scan.eat(",")?;
        let radius = scan.float()?;
        scan.eat(">")?;
        Some(Self { center, radius })
    };
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({},{})", Float8(self.x), Float8(self.y))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{{{},{},{}}}",
            Float8(self.a),
            Float8(self.b),
            Float8(self.c)
        )
    }
}

impl fmt::Display for Lseg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{},{}]", self.start, self.end)
    }
}

impl fmt::Display for Box {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.high, self.low)
    }
}

/// Points, with commas between them.
struct List<'a>(&'a [Point]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for point in self.0 {
            write!(f, "{separator}{point}")?;
            separator = ",";
        }
        Ok(())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_closed {
            write!(f, "({})", List(&self.points))
        } else {
            write!(f, "[{}]", List(&self.points))
        }
    }
}

impl fmt::Display for Polygon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", List(&self.points))
    }
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{},{}>", self.center, Float8(self.radius))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn check<T: FromStr<Err = ValueError> + fmt::Display + Debug>(good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(text.parse::<T>().unwrap().to_string(), *text);
        }
        for text in bad
            .iter()
            .chain(&["", "(", "()", "(1)", "(1,2", "(1,2)x", "((1,2)", "é"])
        {
            assert!(text.parse::<T>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_postgresql_prints_is_printed_again() {
        check::<Point>(
            &[
                "(1,-0)",
                "(NaN,Infinity)",
                "(-Infinity,0.1)",
                "(1e+300,1e-300)",
                "(1e+15,999999999999999)",
                "(0.0001,1e-05)",
            ],
            &["(1,2,3)", "(1e999,0)", "( 1,2)", "(,)", "1,2"],
        );
        check::<Line>(&["{1,2,3}", "{0,-1,0}"], &["{1,2}", "[1,2,3]", "{1,2,3,4}"]);
        check::<Lseg>(
            &["[(0,0),(1,1)]"],
            &["((0,0),(1,1))", "[(0,0)]", "[(0,0),(1,1),(2,2)]"],
        );
        check::<Box>(
            &["(1,1),(0,0)"],
            &["((1,1),(0,0))", "(1,1)", "(1,1),(0,0),(2,2)"],
        );
        check::<Path>(
            &["[(0,0),(1,1)]", "((0,0),(1,1))", "((0,0))"],
            &["[]", "[(0,0))", "((0,0)]", "[(0,0),]"],
        );
        check::<Polygon>(&["((0,0),(1,1),(2,0.5))"], &["[(0,0)]", "((0,0)(1,1))"]);
        check::<Circle>(
            &["<(0,0),1>", "<(1e+300,NaN),Infinity>"],
            &["<(0,0)>", "((0,0),1)", "<(0,0),1"],
        );
    }
}
