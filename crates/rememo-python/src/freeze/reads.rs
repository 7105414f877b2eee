//! What code may read about code: documentation, annotations, names and the like. Each counts only
//! where something reads it, so that changing one that nothing reads is no miss.

use rememo::Encoder;

/// A set of the things that code may read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reads(u16);

impl Reads {
    pub const DOCS: Self = Self(1);
    pub const ANNOTATIONS: Self = Self(2);
    /// Names of functions.
    pub const NAMES: Self = Self(4);
    /// Names of local variables.
    pub const LOCALS: Self = Self(8);
    /// What `functools.wraps` keeps of the wrapped function.
    pub const WRAPPED: Self = Self(16);
    pub const SUBCLASSES: Self = Self(32);
    /// The order in which attributes were set.
    pub const ORDER: Self = Self(64);
    /// Source text, line numbers and file names.
    pub const SOURCE: Self = Self(128);
    /// The exceptions that led to an exception.
    pub const CHAIN: Self = Self(256);

    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What code reads that takes code as a whole, to compare it or to hand it on.
    pub const CODE: Self = Self::SOURCE
        .with(Self::LOCALS)
        .with(Self::DOCS)
        .with(Self::NAMES);

    /// Writes which they are.
    pub fn write(self, encoder: &mut Encoder) {
        encoder.u64(self.0.into());
    }

    /// What code reads that uses a name.
    pub fn by(name: &str) -> Self {
        match name {
            "__doc__" | "getdoc" => Self::DOCS,
            "__annotate__"
            | "__annotate_func__"
            | "__annotations__"
            | "__bound__"
            | "__constraints__"
            | "__dataclass_fields__"
            | "__orig_bases__"
            | "__parameters__"
            | "__supertype__"
            | "call_annotate_function"
            | "fields"
            | "get_annotations"
            | "get_original_bases"
            | "get_type_hints"
            | "getfullargspec" => Self::ANNOTATIONS,
            "signature" => Self::ANNOTATIONS.with(Self::WRAPPED),
            "__name__" | "__qualname__" | "co_name" | "co_qualname" => Self::NAMES,
            "co_cellvars" | "co_freevars" | "co_varnames" | "currentframe" | "dir" | "eval"
            | "exec" | "f_locals" | "_getframe" | "locals" => Self::LOCALS,
            "vars" => Self::LOCALS.with(Self::ORDER),
            "__dict__" => Self::ORDER,
            "__wrapped__" | "unwrap" => Self::WRAPPED,
            "__subclasses__" => Self::SUBCLASSES,
            "__cause__" | "__context__" => Self::CHAIN,
            "TracebackException" | "format_exc" | "format_exception" | "print_exc"
            | "print_exception" => Self::SOURCE.with(Self::CHAIN),
            // What code is written in shows in these, down to the numbers of its variables.
            "co_code" | "co_consts" | "co_names" | "co_nlocals" | "co_stacksize" => {
                Self::SOURCE.with(Self::LOCALS).with(Self::DOCS)
            }
            "co_filename" | "co_lines" | "co_linetable" | "co_lnotab" | "co_positions" => {
                Self::SOURCE
            }
            "co_firstlineno" | "extract_stack" | "extract_tb" | "f_lineno" | "findsource"
            | "getframeinfo" | "getsource" | "getsourcelines" | "tb_lineno" => Self::SOURCE,
            _ => Self(0),
        }
    }
}
