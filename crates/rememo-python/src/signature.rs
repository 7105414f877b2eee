//! Binds the arguments of a call to the function's parameters, so that every spelling of a call is
//! one call.

use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict, PyFunction, PyString, PyTuple};
use rememo::Encoder;
use smallvec::SmallVec;

use crate::definitions::{Definitions, Reading};
use crate::raw::{Quick, QuickHash, defaults_of};

/// The values of a call, one for each parameter. What `*` and `**` collect comes last.
pub type Values<'py> = SmallVec<[Bound<'py, PyAny>; 8]>;

/// How a value entered a fingerprint; no value begins with either.
const PLAIN: u8 = 254;
const WALKED: u8 = 255;

const VARIADIC: u32 = 0x04;
const KEYWORDS: u32 = 0x08;

/// The parameters of a function, as its code has them.
#[derive(Debug)]
pub struct Signature {
    parameters: Vec<Parameter>,
    /// How many are filled by position.
    positional: usize,
    /// How many of these can't be given by keyword.
    by_position_only: usize,
    /// How many have a value of their own: all but what `*` and `**` collect.
    named: usize,
    variadic: bool,
    keywords: bool,
}

#[derive(Debug)]
pub struct Parameter {
    /// The interpreter's own string, as keywords mostly are too.
    name: Py<PyString>,
    /// The name, with its stars.
    pub text: String,
    pub ignored: bool,
}

impl Signature {
    /// Reads the parameters of some code; those named in `ignore` do not count.
    pub fn of(code: &Bound<'_, PyCode>, ignore: &[String]) -> PyResult<Self> {
        let number = |name: &str| code.getattr(name)?.extract::<usize>();
        let (positional, by_position_only) =
            (number("co_argcount")?, number("co_posonlyargcount")?);
        let named = positional + number("co_kwonlyargcount")?;
        let flags: u32 = code.getattr("co_flags")?.extract()?;
        let (variadic, keywords) = (flags & VARIADIC != 0, flags & KEYWORDS != 0);
        let count = named + usize::from(variadic) + usize::from(keywords);
        let variables = code.getattr("co_varnames")?.cast_into::<PyTuple>()?;
        let parameters = variables.iter().take(count).enumerate().map(|(at, name)| {
            let plain: String = name.extract()?;
            let stars = match at.checked_sub(named) {
                None => "",
                Some(0) if variadic => "*",
                Some(_) => "**",
            };
            Ok(Parameter {
                name: name.cast_into::<PyString>()?.unbind(),
                text: format!("{stars}{plain}"),
                ignored: ignore.contains(&plain),
            })
        });
        Ok(Self {
            parameters: parameters.collect::<PyResult<_>>()?,
            positional,
            by_position_only,
            named,
            variadic,
            keywords,
        })
    }

    /// The parameters, in the order of the values that `bind` gives.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Binds, or gives `None` where the arguments do not fit: Python then says so itself.
    pub fn bind<'py>(
        &self,
        function: &Bound<'py, PyFunction>,
        positional: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
        keywords: impl Iterator<Item = (Bound<'py, PyString>, Bound<'py, PyAny>)>,
    ) -> PyResult<Option<Values<'py>>> {
        let given = positional.len();
        if given > self.positional && !self.variadic {
            return Ok(None);
        }
        let mut positional = positional;
        let mut keywords = keywords.peekable();
        let mut values = Values::new();
        values.extend(positional.by_ref().take(self.positional));
        let collected = if keywords.peek().is_none() {
            self.keywords.then(|| PyDict::new(function.py()))
        } else {
            let Some((named, collected)) = self.spread(function, values, keywords)? else {
                return Ok(None);
            };
            values = named;
            collected
        };
        if values.len() < self.named && !self.add_defaults(function, &mut values)? {
            return Ok(None);
        }
        if self.variadic {
            let rest = PyTuple::new(function.py(), positional.collect::<Vec<_>>())?;
            values.push(rest.into_any());
        }
        values.extend(collected.map(Bound::into_any));
        Ok(Some(values))
    }

    /// Puts keywords in their places, behind what was given by position. Gives the values of all
    /// parameters but those that `*` and `**` collect, and what `**` does.
    fn spread<'py>(
        &self,
        function: &Bound<'py, PyFunction>,
        given: Values<'py>,
        keywords: impl Iterator<Item = (Bound<'py, PyString>, Bound<'py, PyAny>)>,
    ) -> PyResult<Option<(Values<'py>, Option<Bound<'py, PyDict>>)>> {
        let mut slots: SmallVec<[Option<Bound<'py, PyAny>>; 8]> =
            given.into_iter().map(Some).collect();
        slots.resize_with(self.named, || None);
        let collected = self.keywords.then(|| PyDict::new(function.py()));
        for (name, value) in keywords {
            match (self.place(&name)?, &collected) {
                (Some(at), _) if slots[at].is_some() => return Ok(None),
                (Some(at), _) => slots[at] = Some(value),
                (None, Some(collected)) => collected.set_item(name, value)?,
                (None, None) => return Ok(None),
            }
        }
        let defaults = defaults_of(function);
        let mut values = Values::with_capacity(self.parameters.len());
        for (at, slot) in slots.into_iter().enumerate() {
            let value = match slot {
                Some(value) => Some(value),
                None => self.default(at, &defaults)?,
            };
            let Some(value) = value else { return Ok(None) };
            values.push(value);
        }
        Ok(Some((values, collected)))
    }

    /// Adds the values of the parameters that nothing was given for; false where one has none.
    fn add_defaults<'py>(
        &self,
        function: &Bound<'py, PyFunction>,
        values: &mut Values<'py>,
    ) -> PyResult<bool> {
        let defaults = defaults_of(function);
        for at in values.len()..self.named {
            match self.default(at, &defaults)? {
                Some(value) => values.push(value),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// A fingerprint of the values that count, with what is known of the classes and functions in
    /// them; nothing where they have none that tells all.
    #[inline]
    pub fn fingerprint<'py>(
        &self,
        py: Python<'py>,
        values: &Values<'py>,
        definitions: &Definitions,
    ) -> PyResult<Option<QuickHash>> {
        let reading = Reading::new(py, definitions);
        let mut quick = Quick::with(py, Some(&reading));
        for (parameter, value) in self.parameters.iter().zip(values) {
            if !parameter.ignored && !quick.value(value) {
                return self.walked(py, values, &reading);
            }
        }
        let fingerprint = quick.finish();
        Ok(reading.holds().then_some(fingerprint))
    }

    /// The same, value by value, where some are not told by their structure alone.
    #[cold]
    fn walked<'py>(
        &self,
        py: Python<'py>,
        values: &Values<'py>,
        reading: &Reading<'_, 'py>,
    ) -> PyResult<Option<QuickHash>> {
        let mut whole = Quick::new(py);
        whole.raw(&[WALKED]);
        for (parameter, value) in self.parameters.iter().zip(values) {
            if parameter.ignored {
                continue;
            }
            let mut quick = Quick::with(py, Some(reading));
            let (how, number) = if quick.value(value) {
                (PLAIN, quick.finish())
            } else {
                match reading.argument(value)? {
                    Some(number) => (WALKED, number),
                    None => return Ok(None),
                }
            };
            whole.raw(&[how]);
            whole.raw(&number.to_le_bytes());
        }
        let fingerprint = whole.finish();
        Ok(reading.holds().then_some(fingerprint))
    }

    /// Writes which parameters do not count.
    pub fn write_ignored(&self, encoder: &mut Encoder) {
        encoder.len(self.parameters.len());
        for parameter in &self.parameters {
            encoder.tag(u8::from(parameter.ignored));
        }
    }

    /// Which parameter a keyword is for.
    fn place(&self, name: &Bound<'_, PyString>) -> PyResult<Option<usize>> {
        let named = &self.parameters[self.by_position_only..self.named];
        let same = |parameter: &Parameter| parameter.name.as_ptr() == name.as_ptr();
        let mut found = named.iter().position(same);
        if found.is_none() {
            for (at, parameter) in named.iter().enumerate() {
                if parameter.name.bind(name.py()).as_any().eq(name)? {
                    found = Some(at);
                }
            }
        }
        Ok(found.map(|at| at + self.by_position_only))
    }

    fn default<'py>(
        &self,
        at: usize,
        (last, by_name): &Defaults<'py>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if at >= self.positional {
            let Some(by_name) = by_name else {
                return Ok(None);
            };
            return by_name.get_item(&self.parameters[at].name);
        }
        let Some(last) = last else { return Ok(None) };
        // They are those of the last positional parameters.
        match (at + last.len()).checked_sub(self.positional) {
            Some(at) => last.get_item(at).map(Some),
            None => Ok(None),
        }
    }
}

/// Defaults by position, and by name.
type Defaults<'py> = (Option<Bound<'py, PyTuple>>, Option<Bound<'py, PyDict>>);
