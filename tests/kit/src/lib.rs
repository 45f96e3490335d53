//! Real servers, scripted servers, cuts, drops and faults for purepg's tests.
