//! `FromSql` and `ToSql`.

mod composite;
mod labels;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DataStruct, DeriveInput, Error, Fields, Result, Type};

use crate::attributes::OfType;
use crate::generics::{head, row_lifetime, with_bounds};

/// What a type of Rust is to the server.
enum Shape<'a> {
    Labels(Vec<labels::Label<'a>>),
    Composite(Vec<composite::Part<'a>>),
    Newtype(&'a DataStruct, &'a Type),
}

fn shape<'a>(input: &'a DeriveInput, attributes: &OfType) -> Result<Shape<'a>> {
    let data = match &input.data {
        Data::Enum(data) => return labels::labels(data, attributes).map(Shape::Labels),
        Data::Struct(data) => data,
        Data::Union(_) => return Err(Error::new_spanned(&input.ident, "a union is no value")),
    };
    match &data.fields {
        Fields::Unit => Err(Error::new_spanned(
            &input.ident,
            "a value has fields or variants",
        )),
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 && !attributes.composite => {
            match fields.unnamed.first() {
                Some(field) => Ok(Shape::Newtype(data, &field.ty)),
                None => Err(Error::new_spanned(
                    &input.ident,
                    "a value has fields or variants",
                )),
            }
        }
        fields => composite::parts(fields, attributes).map(Shape::Composite),
    }
}

pub(crate) fn from_sql(input: &DeriveInput) -> Result<TokenStream> {
    let attributes = OfType::parse(&input.attrs)?;
    let krate = attributes.krate()?;
    let lifetime = row_lifetime(&input.generics);
    let (types, bound, body): (Vec<&Type>, _, _) = match shape(input, &attributes)? {
        Shape::Labels(labels) => (
            vec![],
            quote!(),
            labels::from_sql(&krate, &labels, &lifetime),
        ),
        Shape::Composite(parts) => (
            parts.iter().map(|part| &part.field.ty).collect(),
            quote!(#krate::FromSqlOwned),
            composite::from_sql(&krate, &parts, &lifetime),
        ),
        Shape::Newtype(data, inner) => {
            let member = data.fields.members().next();
            let inner_type = quote!(<#inner as #krate::FromSql<#lifetime>>);
            let body = quote! {
                fn accepts(ty: &#krate::Type) -> bool {
                    #inner_type::accepts(ty)
                }

                fn from_binary(
                    ty: &#krate::Type,
                    raw: &#lifetime [u8],
                ) -> ::core::result::Result<Self, #krate::BoxError> {
                    ::core::result::Result::Ok(Self { #member: #inner_type::from_binary(ty, raw)? })
                }

                fn from_text(
                    ty: &#krate::Type,
                    raw: &#lifetime [u8],
                ) -> ::core::result::Result<Self, #krate::BoxError> {
                    ::core::result::Result::Ok(Self { #member: #inner_type::from_text(ty, raw)? })
                }

                fn from_null(ty: &#krate::Type) -> ::core::result::Result<Self, #krate::BoxError> {
                    ::core::result::Result::Ok(Self { #member: #inner_type::from_null(ty)? })
                }
            };
            (vec![inner], quote!(#krate::FromSql<#lifetime>), body)
        }
    };
    let generics = with_bounds(&input.generics, Some(&lifetime), types.into_iter(), &bound);
    let head = head(
        &krate,
        &quote!(FromSql<#lifetime>),
        &input.ident,
        &input.generics,
        &generics,
    );
    Ok(quote!(#head { #body }))
}

pub(crate) fn to_sql(input: &DeriveInput) -> Result<TokenStream> {
    let attributes = OfType::parse(&input.attrs)?;
    let krate = attributes.krate()?;
    // How the value that is written instead is had.
    let (types, inner): (Vec<&Type>, _) = match shape(input, &attributes)? {
        Shape::Labels(labels) => (vec![], labels::to_sql(&labels)),
        Shape::Composite(parts) => (
            parts.iter().map(|part| &part.field.ty).collect(),
            composite::to_sql(&krate, &parts),
        ),
        Shape::Newtype(data, inner) => {
            let member = data.fields.members().next();
            (vec![inner], quote!(let purepg_value = &self.#member;))
        }
    };
    let generics = with_bounds(
        &input.generics,
        None,
        types.into_iter(),
        &quote!(#krate::ToSql),
    );
    let head = head(
        &krate,
        &quote!(ToSql),
        &input.ident,
        &input.generics,
        &generics,
    );
    Ok(quote! {
        #head {
            fn accepts(&self, ty: &#krate::Type) -> bool {
                #inner
                #krate::ToSql::accepts(purepg_value, ty)
            }

            fn supports_binary(&self, ty: &#krate::Type) -> bool {
                #inner
                #krate::ToSql::supports_binary(purepg_value, ty)
            }

            fn to_binary(
                &self,
                ty: &#krate::Type,
                out: &mut #krate::__private::BytesMut,
            ) -> ::core::result::Result<#krate::IsNull, #krate::BoxError> {
                #inner
                #krate::ToSql::to_binary(purepg_value, ty, out)
            }

            fn to_text(
                &self,
                ty: &#krate::Type,
                out: &mut #krate::__private::BytesMut,
            ) -> ::core::result::Result<#krate::IsNull, #krate::BoxError> {
                #inner
                #krate::ToSql::to_text(purepg_value, ty, out)
            }
        }
    })
}
