//! What stands in `#[purepg(…)]`.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::ext::IdentExt as _;
use syn::{Attribute, Error, Ident, LitStr, Path, Result};

use crate::rename::Rule;

/// Attributes of a type.
#[derive(Default)]
pub(crate) struct OfType {
    pub(crate) rule: Option<Rule>,
    pub(crate) by_position: bool,
    pub(crate) composite: bool,
    krate: Option<Path>,
}

/// Attributes of a field or a variant.
#[derive(Default)]
pub(crate) struct OfPart {
    rename: Option<String>,
    pub(crate) default: bool,
    pub(crate) flatten: bool,
}

impl OfType {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut parsed = Self::default();
        for attribute in purepg(attributes) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("crate") {
                    parsed.krate = Some(meta.value()?.call(Path::parse_mod_style)?);
                } else if meta.path.is_ident("rename_all") {
                    let name: LitStr = meta.value()?.parse()?;
                    let rule = Rule::named(&name.value());
                    parsed.rule =
                        Some(rule.ok_or_else(|| Error::new(name.span(), "no such rule"))?);
                } else if meta.path.is_ident("by_position") {
                    parsed.by_position = true;
                } else if meta.path.is_ident("composite") {
                    parsed.composite = true;
                } else {
                    return Err(meta.error(
                        "no attribute of a type: crate, rename_all, by_position, composite",
                    ));
                }
                Ok(())
            })?;
        }
        Ok(parsed)
    }

    /// Where purepg is.
    pub(crate) fn krate(&self) -> Result<TokenStream> {
        if let Some(path) = &self.krate {
            return Ok(path.to_token_stream());
        }
        // The first that the user depends on; all export the same names.
        let names = ["purepg-conn-tokio", "purepg-conn-async-std", "purepg-conn"];
        for name in names {
            let found = match crate_name(name) {
                Ok(FoundCrate::Name(found)) => found,
                // In a test or an example of that package.
                Ok(FoundCrate::Itself) => name.replace('-', "_"),
                Err(_) => continue,
            };
            let ident = Ident::new(&found, Span::call_site());
            return Ok(quote!(::#ident));
        }
        Err(Error::new(
            Span::call_site(),
            "none of purepg's crates is a dependency: name one with #[purepg(crate = path)]",
        ))
    }
}

impl OfPart {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut parsed = Self::default();
        for attribute in purepg(attributes) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("rename") {
                    parsed.rename = Some(meta.value()?.parse::<LitStr>()?.value());
                } else if meta.path.is_ident("default") {
                    parsed.default = true;
                } else if meta.path.is_ident("flatten") {
                    parsed.flatten = true;
                } else {
                    return Err(meta
                        .error("no attribute of a field or a variant: rename, default, flatten"));
                }
                Ok(())
            })?;
        }
        Ok(parsed)
    }

    /// What the server calls it.
    pub(crate) fn name(&self, ident: &Ident, rule: Option<Rule>) -> String {
        let own = ident.unraw().to_string();
        match (&self.rename, rule) {
            (Some(name), _) => name.clone(),
            (None, Some(rule)) => rule.apply(&own),
            (None, None) => own,
        }
    }
}

fn purepg(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("purepg"))
}
