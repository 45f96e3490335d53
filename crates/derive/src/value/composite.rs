//! Structs: the fields are those of a composite type.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, Field, Fields, Ident, Lifetime, Member, Result};

use crate::attributes::{OfPart, OfType};

pub(super) struct Part<'a> {
    member: Member,
    local: Ident,
    /// `None` where fields go by their order.
    name: Option<String>,
    default: bool,
    pub(super) field: &'a Field,
}

pub(super) fn parts<'a>(fields: &'a Fields, attributes: &OfType) -> Result<Vec<Part<'a>>> {
    let mut parts = Vec::new();
    for (place, (member, field)) in fields.members().zip(fields).enumerate() {
        let own = OfPart::parse(&field.attrs)?;
        if own.flatten {
            return Err(Error::new_spanned(
                field,
                "fields of a composite type are not flattened",
            ));
        }
        parts.push(Part {
            member,
            local: format_ident!("purepg_{place}"),
            name: field
                .ident
                .as_ref()
                .map(|ident| own.name(ident, attributes.rule)),
            default: own.default,
            field,
        });
    }
    Ok(parts)
}

pub(super) fn from_sql(
    krate: &TokenStream,
    parts: &[Part<'_>],
    lifetime: &Lifetime,
) -> TokenStream {
    let expected = parts.iter().map(|part| {
        let name = match &part.name {
            Some(name) => quote!(::core::option::Option::Some(#name)),
            None => quote!(::core::option::Option::None),
        };
        let (ty, default) = (&part.field.ty, part.default);
        quote!((#name, #default, <#ty as #krate::FromSql<'_>>::accepts as fn(&#krate::Type) -> bool))
    });
    let locals: Vec<_> = parts.iter().map(|part| &part.local).collect();
    let arms = parts.iter().enumerate().map(|(place, part)| {
        let (local, ty) = (&part.local, &part.field.ty);
        let pattern = match &part.name {
            Some(name) => quote! {
                (::core::option::Option::Some(#name), _) | (::core::option::Option::None, #place)
            },
            None => quote!((_, #place)),
        };
        quote!(#pattern => #local = ::core::option::Option::Some(field.decode::<#ty>()?),)
    });
    let members = parts.iter().map(|part| &part.member);
    let values = parts.iter().enumerate().map(|(place, part)| {
        let local = &part.local;
        if part.default {
            return quote!(#local.unwrap_or_default());
        }
        let name = part.name.clone().unwrap_or_else(|| place.to_string());
        quote! {
            match #local {
                ::core::option::Option::Some(value) => value,
                ::core::option::Option::None => {
                    return ::core::result::Result::Err(#krate::__private::no_field(#name));
                }
            }
        }
    });
    let read = quote! {
        #(let mut #locals = ::core::option::Option::None;)*
        for (place, field) in ::core::iter::Iterator::enumerate(fields) {
            let field = field?;
            match (field.name(), place) {
                #(#arms)*
                (::core::option::Option::Some(_), _) => {}
                _ => return ::core::result::Result::Err(#krate::__private::too_many_fields()),
            }
        }
        ::core::result::Result::Ok(Self { #(#members: #values,)* })
    };
    let function = |name: TokenStream, format: TokenStream| {
        quote! {
            fn #name(
                ty: &#krate::Type,
                raw: &#lifetime [u8],
            ) -> ::core::result::Result<Self, #krate::BoxError> {
                let fields = #krate::CompositeReader::new(ty, raw, #krate::Format::#format)?;
                #read
            }
        }
    };
    let binary = function(quote!(from_binary), quote!(Binary));
    let text = function(quote!(from_text), quote!(Text));
    quote! {
        fn accepts(ty: &#krate::Type) -> bool {
            #krate::__private::is_composite_of(ty, &[#(#expected),*])
        }

        #binary
        #text
    }
}

/// The fields, as a value that is written instead.
pub(super) fn to_sql(krate: &TokenStream, parts: &[Part<'_>]) -> TokenStream {
    let values = parts.iter().map(|part| {
        let member = &part.member;
        let value = quote!(&self.#member as &dyn #krate::ToSql);
        match &part.name {
            Some(name) => quote!((#name, #value)),
            None => value,
        }
    });
    let named = parts.iter().all(|part| part.name.is_some());
    let form = if named {
        quote!(Named)
    } else {
        quote!(InOrder)
    };
    quote! {
        let purepg_fields = [#(#values),*];
        let purepg_value = &#krate::CompositeFields::#form(&purepg_fields);
    }
}
