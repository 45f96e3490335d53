//! What a server sends: decoded from the body of a frame.

pub(crate) mod authentication;
pub(crate) mod backend_key_data;
pub(crate) mod command_complete;
pub(crate) mod copy_data;
pub(crate) mod copy_response;
pub(crate) mod data_row;
pub(crate) mod negotiate_protocol_version;
pub(crate) mod notification;
pub(crate) mod parameter_description;
pub(crate) mod parameter_status;
pub(crate) mod ready_for_query;
pub(crate) mod response;
pub(crate) mod row_description;
pub(crate) mod tag;
