//! The geometric types, as PostgreSQL has them. Their names are common words: that is why they have a module of their own.
//!
//! ```
//! use purepg_types::geometry::{Circle, Point};
//!
//! let circle: Circle = "<(1,2.5),3>".parse()?;
//! assert_eq!(circle, Circle { center: Point { x: 1.0, y: 2.5 }, radius: 3.0 });
//! assert_eq!(circle.to_string(), "<(1,2.5),3>");
//! # Ok::<(), purepg_types::ValueError>(())
//! ```
//!
//! The feature `geo-types` reads and writes the types of that crate.

// Exhaustive, all of them: a point will not get a third coordinate.

mod text;

/// A value of PostgreSQL's `point`.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Point {
    /// The first coordinate.
    pub x: f64,
    /// The second coordinate.
    pub y: f64,
}

/// A value of PostgreSQL's `line`: all points where `ax + by + c = 0`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Line {
    /// The factor of `x`.
    pub a: f64,
    /// The factor of `y`; the server takes no line where `a` and `b` are both 0.
    pub b: f64,
    /// What is added.
    pub c: f64,
}

/// A value of PostgreSQL's `lseg`: a piece of a line, from one point to the other.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Lseg {
    /// Where it begins.
    pub start: Point,
    /// Where it ends.
    pub end: Point,
}

/// A value of PostgreSQL's `box`. The server changes corners that are not these two into them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Box {
    /// The upper right corner.
    pub high: Point,
    /// The lower left corner.
    pub low: Point,
}

/// A value of PostgreSQL's `path`: points, each connected with the next.
#[derive(Clone, PartialEq, Debug)]
pub struct Path {
    /// Whether the last is connected with the first.
    pub is_closed: bool,
    /// The points; the server takes no path without any.
    pub points: Vec<Point>,
}

/// A value of PostgreSQL's `polygon`: points, each connected with the next, and the last with the first.
#[derive(Clone, PartialEq, Debug)]
pub struct Polygon {
    /// The points; the server takes no polygon without any.
    pub points: Vec<Point>,
}

/// A value of PostgreSQL's `circle`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Circle {
    /// Its middle.
    pub center: Point,
    /// The distance from there; the server takes no negative one.
    pub radius: f64,
}
