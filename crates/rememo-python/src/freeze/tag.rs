//! The type tags of the encoding. A tag, once given, keeps its meaning within a scheme version.

pub const NONE: u8 = 1;
pub const FALSE: u8 = 2;
pub const TRUE: u8 = 3;
pub const INT: u8 = 4;
pub const FLOAT: u8 = 5;
pub const COMPLEX: u8 = 6;
pub const STR: u8 = 7;
pub const BYTES: u8 = 8;
pub const BYTEARRAY: u8 = 9;
pub const TUPLE: u8 = 10;
pub const LIST: u8 = 11;
pub const DICT: u8 = 12;
pub const SET: u8 = 13;
pub const FROZENSET: u8 = 14;
pub const ELLIPSIS: u8 = 15;
pub const NOT_IMPLEMENTED: u8 = 16;
/// A container seen before in a value that contains itself, by its number.
pub const SEEN: u8 = 17;
pub const CODE: u8 = 18;
pub const FUNCTION: u8 = 19;
pub const CLASS: u8 = 20;
pub const MODULE: u8 = 21;
/// A reference to another part, by name and number.
pub const REFERENCE: u8 = 22;
/// A finished encoding within another.
pub const FOLDED: u8 = 23;
pub const MISSING: u8 = 24;
pub const NAME: u8 = 25;
pub const IMPORT: u8 = 26;
pub const EXTERNAL: u8 = 27;
pub const INSTANCE: u8 = 28;
pub const REDUCED: u8 = 29;
pub const NAMED: u8 = 30;
pub const ENUM: u8 = 31;
pub const DESCRIPTOR: u8 = 32;
pub const ARRAY: u8 = 33;
pub const FIELDS: u8 = 34;
pub const BUFFER: u8 = 35;
pub const ATTRIBUTES: u8 = 36;
pub const OWN_STATE: u8 = 37;
pub const SET_SUBCLASS: u8 = 38;
pub const REGISTERED: u8 = 39;
pub const IGNORED: u8 = 40;
pub const VERSIONED: u8 = 41;
pub const UNORDERED_DICT: u8 = 42;
pub const BUILTIN_SUBCLASS: u8 = 43;
pub const WRAPPER_SUBCLASS: u8 = 44;
pub const REDUCED_SUBCLASS: u8 = 45;
pub const VIRTUAL_SUBCLASSES: u8 = 46;
pub const OBJECTS: u8 = 47;
pub const OTHER: u8 = 48;
/// Before what is left where the user says that some of it does not count.
pub const LEFT_OUT: u8 = 49;
/// In the place of what counts by its name alone, as the user says.
pub const BY_NAME: u8 = 50;
