//! Network addresses, strings of bits, and what the server counts its transactions and its log with.

use std::net::IpAddr;
use std::sync::LazyLock;

use purepg_types::{BitString, Cidr, Inet, MacAddr, MacAddr8, PgLsn, Snapshot, Tid, Type, Value};

use super::{Given, Table, both, table};

pub(super) static TABLE: LazyLock<Table> = table! {
    Type::INET => ["192.0.2.7/24", "192.0.2.7", "::1", "2001:db8::1/64", "::ffff:1.2.3.4", "::1.2.3.4"];
    Type::CIDR => ["192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0", "::/0"];
    Type::MACADDR => ["08:00:2b:01:02:03"];
    Type::MACADDR8 => ["08:00:2b:01:02:03:04:05"];
    Type::BIT => ["1", "101010101"];
    Type::VARBIT => ["", "1010000011"];
    Type::PG_LSN => ["16/B374D848", "0/0", "FFFFFFFF/FFFFFFFF"];
    Type::TID => ["(0,1)", "(4294967295,65535)"];
    Type::PG_SNAPSHOT => ["10:20:10,14,15", "1:1:"];
    Type::TXID_SNAPSHOT => ["10:20:10"];
    Type::XID8 => ["7"];
};

/// Addresses, bits, and system types.
pub fn network(data: &[u8]) {
    let Some(given) = Given::read(data, &TABLE) else {
        return;
    };
    both! { given;
        Inet, Cidr, IpAddr, MacAddr, MacAddr8, ipnet::IpNet, ipnet::Ipv4Net, ipnet::Ipv6Net, eui48::MacAddress, BitString, bit_vec::BitVec,
        PgLsn, Tid, Snapshot, u64, String, Value,
    }
}
