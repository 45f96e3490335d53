//! `FromRow`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, Lifetime, Member, Result};

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
    let (plan, body) = if by_position {
        in_order(&krate, &parts)?
    } else {
        by_name(&krate, &parts, &lifetime)
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
                let purepg_plan = <Self as #krate::FromRow<#lifetime>>::plan(
                    #krate::Fields::columns(purepg_fields),
                )?;
                <Self as #krate::FromRow<#lifetime>>::from_planned(&purepg_plan, purepg_fields)
            }

            fn plan(
                purepg_columns: &[#krate::Column],
            ) -> ::core::result::Result<#krate::Plan, #krate::DecodeError> {
                #plan
            }

            fn from_planned<PurepgFields: #krate::Fields<#lifetime>>(
                purepg_plan: &#krate::Plan,
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

/// All columns, one for each field: how to plan it, and how to read it.
fn in_order(krate: &TokenStream, parts: &[Part<'_>]) -> Result<(TokenStream, TokenStream)> {
    for part in parts {
        if part.attributes.flatten || part.attributes.default {
            let reason = "flatten and default are for columns that go by their names";
            return Err(Error::new_spanned(part.field, reason));
        }
    }
    let types = parts.iter().map(|part| &part.field.ty);
    let plan = quote! {
        #krate::Plan::in_order::<Self>(purepg_columns, &[#(#krate::__private::fit::<#types>),*])
    };
    let members = parts.iter().map(|part| &part.member);
    let types = parts.iter().map(|part| &part.field.ty);
    let plain = plain_in_order(krate, parts);
    let body = quote! {
        if purepg_plan.is_plain() {
            return #plain;
        }
        ::core::result::Result::Ok(Self {
            #(#members: purepg_plan.decode::<#types>(&#krate::Fields::next_field(purepg_fields)?)?,)*
        })
    };
    Ok((plan, body))
}

/// Each field from the next column.
fn plain_in_order(krate: &TokenStream, parts: &[Part<'_>]) -> TokenStream {
    let members = parts.iter().map(|part| &part.member);
    let values = parts.iter().map(|part| {
        let plain = plain(krate, part);
        quote!({ let field = #krate::Fields::next_field(purepg_fields)?; #plain })
    });
    quote!(::core::result::Result::Ok(Self { #(#members: #values,)* }))
}

/// `field` as its type, where the plan says that it is plain.
fn plain(krate: &TokenStream, part: &Part<'_>) -> TokenStream {
    let ty = &part.field.ty;
    quote! {
        match #krate::__private::read_plain(&field) {
            ::core::result::Result::Ok(value) => value,
            ::core::result::Result::Err(reason) => {
                let error = #krate::__private::refused::<#ty>(&field, reason);
                return ::core::result::Result::Err(error);
            }
        }
    }
}

/// In one pass, whatever the order of the columns.
fn by_name(
    krate: &TokenStream,
    parts: &[Part<'_>],
    lifetime: &Lifetime,
) -> (TokenStream, TokenStream) {
    let (flat, named): (Vec<_>, Vec<_>) = parts.iter().partition(|part| part.attributes.flatten);
    let wanted = named.iter().map(|part| {
        let (column, may_lack, ty) = (&part.column, part.attributes.default, &part.field.ty);
        quote!((#column, #may_lack, #krate::__private::fit::<#ty>))
    });
    let flattened = flat.iter().map(|part| &part.field.ty);
    let plan = quote! {
        #krate::Plan::by_name(
            purepg_columns,
            &[#(#wanted),*],
            &[#(<#flattened as #krate::FromRow<#lifetime>>::plan),*],
        )
    };
    let in_order = flat.is_empty().then(|| {
        let plain = plain_in_order(krate, parts);
        quote! {
            if purepg_plan.is_plain() && purepg_plan.is_in_order() {
                return #plain;
            }
        }
    });
    let flattened = flat.iter().enumerate().map(|(place, part)| {
        let (local, ty) = (&part.local, &part.field.ty);
        // It reads the same fields once more.
        quote! {
            let #local = <#ty as #krate::FromRow<#lifetime>>::from_planned(
                purepg_plan.part(#place),
                &mut ::core::clone::Clone::clone(purepg_fields),
            )?;
        }
    });
    let locals = named.iter().map(|part| &part.local);
    let count = named.len();
    let plain = sorted(krate, parts, |part| plain(krate, part));
    let any = sorted(krate, parts, |part| {
        let ty = &part.field.ty;
        quote!(purepg_plan.decode::<#ty>(&field)?)
    });
    let body = quote! {
        #in_order
        #(#flattened)*
        let mut purepg_sorted = [::core::option::Option::None; #count];
        purepg_plan.sort(purepg_fields, &mut purepg_sorted)?;
        let [#(#locals),*] = purepg_sorted;
        if purepg_plan.is_plain() {
            return #plain;
        }
        #any
    };
    (plan, body)
}

/// The struct from what its locals hold; `read` is for one of them that is a `field`.
fn sorted(
    krate: &TokenStream,
    parts: &[Part<'_>],
    read: impl Fn(&Part<'_>) -> TokenStream,
) -> TokenStream {
    let members = parts.iter().map(|part| &part.member);
    let values = parts.iter().map(|part| {
        let (local, column) = (&part.local, &part.column);
        if part.attributes.flatten {
            return quote!(#local);
        }
        let read = read(part);
        let otherwise = if part.attributes.default {
            quote!(::core::default::Default::default())
        } else {
            quote!(return ::core::result::Result::Err(#krate::__private::no_column(#column)))
        };
        quote! {
            match #local {
                ::core::option::Option::Some(field) => #read,
                ::core::option::Option::None => #otherwise,
            }
        }
    });
    quote!(::core::result::Result::Ok(Self { #(#members: #values,)* }))
}
