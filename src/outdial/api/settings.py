"""Settings that may be changed while a campaign group runs, and how they differ from the configuration file."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, RootModel, StrictBool, StrictInt, StringConstraints

from outdial.api.access import Caller, Operator, Reader
from outdial.api.parts import ApiParts
from outdial.api.preconditions import PRECONDITIONS, IfMatch, checking
from outdial.api.problems import Problem, not_found
from outdial.api.running_settings import Kind, ObjectSettings, RunningSettings, SettingView, Value
from outdial.core.settings import Configuration

NAMES_MAX = 64
"""Settings that one request may change."""
TEXT_CHARACTERS_MAX = 1_000

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(max_length=TEXT_CHARACTERS_MAX)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.]{0,63}$")]
Dbid = Annotated[int, Path(ge=1, le=2**31 - 1, description="DBID.", examples=[1])]
SettingName = Annotated[
    str, Path(pattern=r"^[a-z][a-z0-9_.]{0,63}$", description="`name` of a setting.", examples=["ring_timeout_s"])
]


class SettingsView(BaseModel):
    """Every setting of one object that may be changed at run time."""

    settings: list[SettingView]


class SettingsChange(
    RootModel[
        Annotated[dict[Name, StrictBool | StrictInt | Number | Text | None], Field(min_length=1, max_length=NAMES_MAX)]
    ]
):
    """New values by name. null takes a change back: the configuration file counts again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"ring_timeout_s": 20, "number_of_cpd_ports": None}],
            "additionalProperties": False,  # names of another shape are refused
        }
    )


SUBJECTS: Mapping[Kind, tuple[str, str]] = {
    "campaign-group": ("/groups", "campaign group"),
    "campaign": ("/campaigns", "campaign"),
}


def campaign_name(configuration: Configuration, kind: Kind, dbid: int) -> str | None:
    """Name of the campaign that an object belongs to. None: there is no such object."""
    campaign_id: int | None = dbid
    if kind == "campaign-group":
        campaign_id = next((each.campaign for each in configuration.campaign_groups if each.dbid == dbid), None)
    return next((each.name for each in configuration.campaigns if each.dbid == campaign_id), None)


def router(parts: ApiParts) -> APIRouter:
    """Routes for the settings of campaign groups and campaigns."""
    routes = APIRouter(tags=["settings"])
    for kind in SUBJECTS:
        _add_routes(routes, parts, kind)
    return routes


def _add_routes(routes: APIRouter, parts: ApiParts, kind: Kind) -> None:
    path, noun = SUBJECTS[kind]

    def settings_for(caller: Caller, dbid: int) -> RunningSettings:
        """The settings, if the object exists for the caller."""
        campaign = campaign_name(parts.dialer.configuration, kind, dbid)
        if campaign is None or not caller.may_see(campaign):
            raise not_found(f"{noun} {dbid}")
        if parts.settings is None:
            raise Problem(409, "not_changeable", "this server has no configuration file, so its settings stay")
        return parts.settings

    async def settings_now(caller: Caller, dbid: int) -> ObjectSettings:
        found = await settings_for(caller, dbid).of(kind, dbid)
        if found is None:
            raise not_found(f"{noun} {dbid}")
        return found

    async def change(
        caller: Caller, dbid: int, values: Mapping[str, Value | None], if_match: str, response: Response
    ) -> SettingsView:
        before = await settings_now(caller, dbid)
        after = await settings_for(caller, dbid).change(kind, dbid, values, caller.name, checking(if_match))
        told = [_told(settings, values) for settings in (before, after)]
        await parts.audit.note(caller, f"{kind}.settings", f"{kind} {dbid}", *told)
        return _view(after, response)

    @routes.get(f"{path}/{{dbid}}/settings", summary=f"What may be changed of a {noun} at run time, and was")
    async def get_settings(dbid: Dbid, caller: Reader, response: Response) -> SettingsView:
        return _view(await settings_now(caller, dbid), response)

    @routes.patch(
        f"{path}/{{dbid}}",
        summary=f"Change settings of a {noun}; they outlive reloads and restarts until they are taken back",
        responses=PRECONDITIONS,
    )
    async def change_settings(
        dbid: Dbid, values: SettingsChange, caller: Operator, response: Response, if_match: IfMatch = ""
    ) -> SettingsView:
        return await change(caller, dbid, values.root, if_match, response)

    @routes.delete(
        f"{path}/{{dbid}}/settings/{{name}}",
        summary="Take a change back: the configuration file counts again",
        responses=PRECONDITIONS,
    )
    async def take_back(
        dbid: Dbid, name: SettingName, caller: Operator, response: Response, if_match: IfMatch = ""
    ) -> SettingsView:
        return await change(caller, dbid, {name: None}, if_match, response)


def _view(settings: ObjectSettings, response: Response) -> SettingsView:
    response.headers["ETag"] = settings.tag
    return SettingsView(settings=list(settings.settings))


def _told(settings: ObjectSettings, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit is told: the values of what was changed."""
    return {setting.name: setting.value for setting in settings.settings if setting.name in values}
