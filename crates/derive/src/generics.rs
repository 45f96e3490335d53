//! The head of an implementation.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Generics, Lifetime, Type, WherePredicate, parse_quote};

/// The lifetime of the row: the type's own, if it has one.
pub(crate) fn row_lifetime(generics: &Generics) -> Lifetime {
    let own = generics.lifetimes().next();
    own.map_or_else(
        || Lifetime::new("'purepg_row", proc_macro2::Span::call_site()),
        |own| own.lifetime.clone(),
    )
}

/// The generics of the implementation, with the lifetime of the row if the type has none, and with a bound for each type that is read or
/// written, if that can depend on a parameter.
pub(crate) fn with_bounds<'t>(
    generics: &Generics,
    lifetime: Option<&Lifetime>,
    types: impl Iterator<Item = &'t Type>,
    bound: &TokenStream,
) -> Generics {
    let mut generics = generics.clone();
    if generics.type_params().next().is_some() {
        let bounds: Vec<WherePredicate> = types.map(|ty| parse_quote!(#ty: #bound)).collect();
        generics.make_where_clause().predicates.extend(bounds);
    }
    if let Some(lifetime) = lifetime
        && generics.lifetimes().next().is_none()
    {
        generics.params.insert(0, parse_quote!(#lifetime));
    }
    generics
}

/// `impl<…> trait for type<…> where …`
pub(crate) fn head(
    krate: &TokenStream,
    trait_name: &TokenStream,
    name: &syn::Ident,
    own: &Generics,
    generics: &Generics,
) -> TokenStream {
    let (parameters, _, where_clause) = generics.split_for_impl();
    let (_, arguments, _) = own.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #parameters #krate::#trait_name for #name #arguments #where_clause
    }
}
