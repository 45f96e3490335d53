//! Points and what is made of them.

use std::sync::LazyLock;

use geo_types::{Coord, LineString};
use purepg_types::{Type, Value, geometry as own};

use super::{Given, Table, both, table};

pub(super) static TABLE: LazyLock<Table> = table! {
    Type::POINT => ["(1,-2.5)", "(NaN,Infinity)", "(1e+300,-0)"];
    Type::LINE => ["{1,-1,0}"];
    Type::LSEG => ["[(1,2),(3,4)]"];
    Type::BOX => ["(3,4),(1,2)"];
    Type::PATH => ["((1,2),(3,4))", "[(1,2),(3,4),(5,6)]"];
    Type::POLYGON => ["((1,2),(3,4),(5,6))"];
    Type::CIRCLE => ["<(1,2),3>"];
};

/// Points, lines, boxes, paths, polygons and circles.
pub fn geometry(data: &[u8]) {
    let Some(given) = Given::read(data, &TABLE) else {
        return;
    };
    both! { given;
        own::Point, own::Line, own::Lseg, own::Box, own::Path, own::Polygon, own::Circle,
        geo_types::Point, Coord, geo_types::Line, geo_types::Rect, LineString, geo_types::Polygon, Value,
    }
}
