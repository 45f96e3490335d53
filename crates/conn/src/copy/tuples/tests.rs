use proptest::prelude::*;
use purepg_types::{DecodeErrorKind, ToSql};

use super::*;

/// The data of these rows.
fn data(rows: &[(i32, Option<&str>)]) -> Vec<u8> {
    let mut out = BytesMut::new();
    write_header(&mut out);
    for row in rows {
        write_tuple(&[Type::INT4, Type::TEXT], row, &mut out).unwrap();
    }
    write_trailer(&mut out);
    out.to_vec()
}

const ROWS: [(i32, Option<&str>); 3] = [(1, Some("one")), (-2, None), (3, Some(""))];

/// All tuples of data that comes in pieces, and the values of each.
fn read(columns: usize, pieces: &[&[u8]]) -> Result<Vec<Vec<Option<Vec<u8>>>>, DecodeError> {
    let mut tuples = Tuples::new(columns);
    let mut rows = Vec::new();
    for piece in pieces {
        tuples.push(Bytes::copy_from_slice(piece));
        while let Some(tuple) = tuples.next()? {
            let mut values = Values::of(&tuple);
            let row: Result<Vec<_>, _> = (0..columns)
                .map(|_| values.next().map(|value| value.map(<[u8]>::to_vec)))
                .collect();
            rows.push(row?);
            assert!(values.next().is_err(), "there is nothing behind the last");
        }
    }
    tuples.finish()?;
    Ok(rows)
}

fn expected() -> Vec<Vec<Option<Vec<u8>>>> {
    let bytes = |bytes: &[u8]| Some(bytes.to_vec());
    vec![
        vec![bytes(&[0, 0, 0, 1]), bytes(b"one")],
        vec![bytes(&[0xff, 0xff, 0xff, 0xfe]), None],
        vec![bytes(&[0, 0, 0, 3]), bytes(b"")],
    ]
}

fn failure(columns: usize, pieces: &[&[u8]]) -> String {
    let error = read(columns, pieces).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::Malformed);
    error.to_string()
}

fn header(flags: u32, extension: i32) -> Vec<u8> {
    [
        &SIGNATURE[..],
        &flags.to_be_bytes(),
        &extension.to_be_bytes(),
    ]
    .concat()
}

#[test]
fn the_bytes_of_the_manual() {
    assert_eq!(
        data(&[(7, Some("a")), (8, None)]),
        [
            &b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0"[..],
            b"\0\x02\0\0\0\x04\0\0\0\x07\0\0\0\x01a",
            b"\0\x02\0\0\0\x04\0\0\0\x08\xff\xff\xff\xff",
            b"\xff\xff",
        ]
        .concat()
    );
}

#[test]
fn tuples_are_the_same_however_the_data_is_cut() {
    let data = data(&ROWS);
    assert_eq!(read(2, &[&data]).unwrap(), expected());
    for first in 0..=data.len() {
        let (one, two) = data.split_at(first);
        assert_eq!(read(2, &[one, two]).unwrap(), expected(), "cut at {first}");
        for second in 0..=two.len() {
            let (two, three) = two.split_at(second);
            assert_eq!(read(2, &[one, two, three]).unwrap(), expected());
        }
    }
    let bytes: Vec<&[u8]> = data.chunks(1).collect();
    assert_eq!(read(2, &bytes).unwrap(), expected());
}

#[test]
fn acceptance_82_data_that_ends_early() {
    let data = data(&ROWS);
    for end in 0..data.len() {
        let told = failure(2, &[&data[..end]]);
        assert!(told.contains("the data ends"), "{end}: {told}");
    }
    assert!(failure(2, &[&data[..data.len() - 2]]).contains("without its trailer"));
}

#[test]
fn acceptance_82_a_header_that_is_wrong() {
    let good = data(&ROWS);
    for place in 0..SIGNATURE.len() {
        let mut bad = good.clone();
        bad[place] ^= 0x20;
        assert!(failure(2, &[&bad]).contains("does not begin"), "{place}");
    }
    for flags in [1 << 16, 1 << 31, u32::MAX] {
        let bad = [header(flags, 0), vec![0xff, 0xff]].concat();
        assert!(failure(2, &[&bad]).contains("flags"), "{flags:#x}");
    }
    for extension in [-1, i32::MIN] {
        let bad = [header(0, extension), vec![0xff, 0xff]].concat();
        assert!(failure(2, &[&bad]).contains("extension"), "{extension}");
    }
    let longer = [header(0, i32::MAX), vec![0; 1_000]].concat();
    assert!(failure(2, &[&longer]).contains("within its header"));
}

#[test]
fn acceptance_82_an_extension_is_passed_over() {
    let rest = data(&ROWS).split_off(HEADER);
    // The lower flags are for what a reader may ignore.
    let extended = [header(0xffff, 5), b"extra".to_vec(), rest].concat();
    assert_eq!(read(2, &[&extended]).unwrap(), expected());
    let bytes: Vec<&[u8]> = extended.chunks(1).collect();
    assert_eq!(read(2, &bytes).unwrap(), expected());
}

#[test]
fn acceptance_82_tuples_that_are_wrong() {
    let with = |tuple: &[u8]| [&header(0, 0)[..], tuple].concat();
    for (tuple, told) in [
        (&b"\0\x01\xff\xff\xff\xff"[..], "1 fields instead of 2"),
        (b"\0\x03", "3 fields instead of 2"),
        (b"\0\0", "0 fields instead of 2"),
        (b"\xff\xfe", "-2 fields"),
        (b"\x80\0", "-32768 fields"),
        (b"\0\x02\xff\xff\xff\xfe", "length -2"),
        (b"\0\x02\x80\0\0\0", "length -2147483648"),
        (b"\0\x02\x7f\xff\xff\xffabc", "ends within it"),
        (b"\xff\xff\0", "behind the trailer"),
        (b"\xff\xff\xff\xff", "behind the trailer"),
    ] {
        let found = failure(2, &[&with(tuple)]);
        assert!(found.contains(told), "{}: {found}", tuple.escape_ascii());
    }
    assert_eq!(read(0, &[&with(b"\0\0\0\0\xff\xff")]).unwrap().len(), 2);
}

#[test]
fn a_row_that_cannot_be_written_leaves_nothing_behind() {
    let mut out = BytesMut::from("before");
    let types = [Type::INT2, Type::TEXT];
    let error = write_tuple(&types, &(70_000, "x"), &mut out).unwrap_err();
    assert!(matches!(error, Error::Encode(_)), "{error}");
    let error = write_tuple(&types, &(1, 2), &mut out).unwrap_err();
    assert!(error.to_string().contains("text"), "{error}");
    for few in [&[][..], &[&1_i16 as &dyn ToSql], &[&1_i16, &"x", &"y"]] {
        let error = write_tuple(&types, &few, &mut out).unwrap_err();
        let Error::Usage(usage) = error else {
            panic!("{error:?}");
        };
        let given = few.len();
        assert_eq!(*usage, UsageError::CopyColumns { expected: 2, given });
    }
    let many = vec![Type::BOOL; 40_000];
    write_tuple(&many, &vec![true; 40_000], &mut out).unwrap_err();
    assert_eq!(&out[..], b"before");
    let error = write_tuple(&[Type::MONEY], &("1",), &mut out).unwrap_err();
    assert!(error.to_string().contains("money"), "{error}");
}

proptest! {
    #[test]
    fn any_data_is_read_without_a_panic(
        prefix in 0..3_usize,
        pieces: Vec<Vec<u8>>,
        columns in 0..4_usize,
    ) {
        let mut tuples = Tuples::new(columns);
        let good = data(&ROWS);
        let start = [&[][..], &good[..HEADER], &good[..good.len() - 2]][prefix];
        let mut arrived = start.len();
        tuples.push(Bytes::copy_from_slice(start));
        'all: for piece in &pieces {
            arrived += piece.len();
            tuples.push(Bytes::copy_from_slice(piece));
            loop {
                match tuples.next() {
                    Ok(Some(tuple)) => prop_assert!(tuple.len() <= arrived),
                    Ok(None) => break,
                    Err(_) => break 'all,
                }
            }
            prop_assert!(tuples.joined.capacity() <= 4 * arrived + 1_024);
        }
        let _ = tuples.finish();
    }
}
