//! Enums: the variants are labels.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DataEnum, Error, Fields, Ident, Lifetime, Result};

use crate::attributes::{OfPart, OfType};

pub(super) struct Label<'a> {
    variant: &'a Ident,
    label: String,
}

pub(super) fn labels<'a>(data: &'a DataEnum, attributes: &OfType) -> Result<Vec<Label<'a>>> {
    let mut labels = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(
                variant,
                "the label of an enum has no data",
            ));
        }
        let own = OfPart::parse(&variant.attrs)?;
        if own.default || own.flatten {
            return Err(Error::new_spanned(variant, "a variant can only be renamed"));
        }
        labels.push(Label {
            variant: &variant.ident,
            label: own.name(&variant.ident, attributes.rule),
        });
    }
    Ok(labels)
}

pub(super) fn from_sql(
    krate: &TokenStream,
    labels: &[Label<'_>],
    lifetime: &Lifetime,
) -> TokenStream {
    let variants: Vec<_> = labels.iter().map(|label| label.variant).collect();
    let labels: Vec<_> = labels.iter().map(|label| &label.label).collect();
    let read = |function: TokenStream| {
        quote! {
            fn #function(
                ty: &#krate::Type,
                raw: &#lifetime [u8],
            ) -> ::core::result::Result<Self, #krate::BoxError> {
                match <&#lifetime str as #krate::FromSql<#lifetime>>::#function(ty, raw)? {
                    #(#labels => ::core::result::Result::Ok(Self::#variants),)*
                    other => ::core::result::Result::Err(#krate::__private::unknown_label(other)),
                }
            }
        }
    };
    let (binary, text) = (read(quote!(from_binary)), read(quote!(from_text)));
    quote! {
        fn accepts(ty: &#krate::Type) -> bool {
            <&#lifetime str as #krate::FromSql<#lifetime>>::accepts(ty)
        }

        #binary
        #text
    }
}

/// The label, as a string that is written instead.
pub(super) fn to_sql(labels: &[Label<'_>]) -> TokenStream {
    let variants = labels.iter().map(|label| label.variant);
    let labels = labels.iter().map(|label| &label.label);
    quote! {
        let purepg_value: &str = match *self {
            #(Self::#variants => #labels,)*
        };
    }
}
