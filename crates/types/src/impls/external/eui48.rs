//! `MacAddress` of the crate `eui48`.

use ::eui48::MacAddress;

use super::wire::through;
use crate::MacAddr;

through! {
    MacAddress = MacAddr {
        from: |address| Ok(MacAddress::new(address.0)),
        to: |value| Ok(MacAddr(value.to_array())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::*;
    use super::*;
    use crate::Type;

    proptest! {
        #[test]
        fn any_address(bytes: [u8; 6]) {
            round_trip(&MacAddress::new(bytes), &Type::MACADDR);
        }
    }
}
