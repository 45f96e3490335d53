//! Tests against real servers, through both adapters.
