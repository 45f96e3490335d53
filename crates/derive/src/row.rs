//! `FromRow`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, Member, Result};

use crate::attributes::{OfPart, OfType};
use crate::generics::{head, row_lifetime, with_bounds};

struct Part<'a> {
    member: Member,
    /// Where it is kept until all are there.
    local: Ident,
    column: String,
    field: &'a Field,
    attributes: OfPart,
}

pub(crate) fn from_row(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "a row is a struct"));
    };
    let attributes = OfType::parse(&input.attrs)?;
    let krate = attributes.krate()?;
    let by_position = attributes.by_position || matches!(data.fields, Fields::Unnamed(_));
    let parts = parts(&data.fields, &attributes)?;
    let lifetime = row_lifetime(&input.generics);
    let (flat, plain): (Vec<_>, Vec<_>) = parts.iter().partition(|part| part.attributes.flatten);
    let generics = with_bounds(
        &input.generics,
        Some(&lifetime),
        plain.iter().map(|part| &part.field.ty),
        &quote!(#krate::FromSql<#lifetime>),
    );
    let generics = with_bounds(
        &generics,
        Some(&lifetime),
        flat.iter().map(|part| &part.field.ty),
        &quote!(#krate::FromRow<#lifetime>),
    );
    let body = if by_position {
        in_order(&krate, &parts)?
    } else {
        by_name(&krate, &parts)
    };
    let head = head(
        &krate,
        &quote!(FromRow<#lifetime>),
        &input.ident,
        &input.generics,
        &generics,
    );
    Ok(quote! {
        #head {
            fn from_row<PurepgFields: #krate::Fields<#lifetime>>(
                purepg_fields: &mut PurepgFields,
            ) -> ::core::result::Result<Self, #krate::DecodeError> {
                #body
            }
        }
    })
}

fn parts<'a>(fields: &'a Fields, attributes: &OfType) -> Result<Vec<Part<'a>>> {
    let parts = fields.members().zip(fields).enumerate();
    parts
        .map(|(place, (member, field))| {
            let own = OfPart::parse(&field.attrs)?;
            let column = match &field.ident {
                Some(ident) => own.name(ident, attributes.rule),
                None => place.to_string(),
            };
            Ok(Part {
                member,
                local: format_ident!("purepg_{place}"),
                column,
                field,
                attributes: own,
            })
        })
        .collect()
}

/// All columns, one for each field.
fn in_order(krate: &TokenStream, parts: &[Part<'_>]) -> Result<TokenStream> {
    for part in parts {
        if part.attributes.flatten || part.attributes.default {
            let reason = "flatten and default are for columns that go by their names";
            return Err(Error::new_spanned(part.field, reason));
        }
    }
    let count = parts.len();
    let members = parts.iter().map(|part| &part.member);
    let types = parts.iter().map(|part| &part.field.ty);
    Ok(quote! {
        let purepg_columns = #krate::Fields::columns(purepg_fields).len();
        if purepg_columns != #count {
            return ::core::result::Result::Err(
                #krate::DecodeError::column_count::<Self>(purepg_columns, #count),
            );
        }
        ::core::result::Result::Ok(Self {
            #(#members: #krate::Fields::next_field(purepg_fields)?.decode::<#types>()?,)*
        })
    })
}

/// In one pass, whatever the order of the columns; of several with one name it is the last.
fn by_name(krate: &TokenStream, parts: &[Part<'_>]) -> TokenStream {
    let (flat, plain): (Vec<_>, Vec<_>) = parts.iter().partition(|part| part.attributes.flatten);
    let locals: Vec<_> = plain.iter().map(|part| &part.local).collect();
    let names: Vec<_> = plain.iter().map(|part| &part.column).collect();
    let members = parts.iter().map(|part| &part.member);
    let values = parts.iter().map(|part| {
        let (local, column, ty) = (&part.local, &part.column, &part.field.ty);
        if part.attributes.flatten {
            return quote! {
                <#ty as #krate::FromRow<'_>>::from_row(
                    &mut #krate::__private::FieldList::new(purepg_columns, &purepg_list),
                )?
            };
        }
        let otherwise = if part.attributes.default {
            quote!(::core::default::Default::default())
        } else {
            quote!(return ::core::result::Result::Err(#krate::__private::no_column(#column)))
        };
        quote! {
            match #local {
                ::core::option::Option::Some(field) => #krate::Field::decode::<#ty>(&field)?,
                ::core::option::Option::None => #otherwise,
            }
        }
    });
    // What is flattened reads the same fields once more.
    let (list, keep) = if flat.is_empty() {
        (quote!(), quote!())
    } else {
        (
            quote!(let mut purepg_list = ::std::vec::Vec::new();),
            quote!(purepg_list.push(purepg_field);),
        )
    };
    quote! {
        let purepg_columns = #krate::Fields::columns(purepg_fields);
        #(let mut #locals = ::core::option::Option::None;)*
        #list
        for purepg_column in purepg_columns {
            let purepg_field = #krate::Fields::next_field(purepg_fields)?;
            #keep
            match #krate::Column::name(purepg_column) {
                #(#names => #locals = ::core::option::Option::Some(purepg_field),)*
                _ => {}
            }
        }
        ::core::result::Result::Ok(Self { #(#members: #values,)* })
    }
}
