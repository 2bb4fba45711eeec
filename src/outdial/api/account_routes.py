"""Everything about tokens, people, sessions and the audit, of an application that has them."""

from fastapi import APIRouter

from outdial.api.audit_routes import audit_router
from outdial.api.own_password import own_password_router
from outdial.api.parts import ApiParts
from outdial.api.session_routes import session_router
from outdial.api.token_routes import token_router
from outdial.api.user_routes import user_router
from outdial.core.settings import Configuration


def routers(parts: ApiParts) -> tuple[APIRouter, ...]:
    """The routers. Empty: the application has no accounts."""
    accounts = parts.accounts
    if accounts is None:
        return ()

    def configuration() -> Configuration:
        return parts.dialer.configuration

    return (
        session_router(accounts.gate, accounts.sign_ins),
        own_password_router(accounts.gate, accounts.sign_ins, accounts.passwords, parts.audit),
        token_router(accounts.gate, parts.audit, configuration),
        user_router(accounts.gate, parts.audit, accounts.passwords, configuration),
        audit_router(accounts.records),
    )
