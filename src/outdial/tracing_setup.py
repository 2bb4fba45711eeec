"""Who takes the spans of `[serve] tracing = true`: what the operator has set up, or the SDK with its environment.

`opentelemetry-instrument outdial serve …` sets a provider up before anything of ours runs, and is left alone. Else
the SDK of the extra `otel` sends spans by OTLP over HTTP, as its environment variables say (`OTEL_SERVICE_NAME`,
`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER`, …). Spans are sent by a thread of the SDK, from a bounded queue.
"""

import os
from collections.abc import Callable
from importlib import import_module

from opentelemetry.trace import ProxyTracerProvider, Tracer, get_tracer_provider

from outdial import __version__
from outdial.core.errors import ConfigError

SERVICE_NAME = "outdial"


def tracer() -> tuple[Tracer, Callable[[], None]]:
    """Who makes the spans, and what is to be called at the end: it sends what is left.

    Raises:
        ConfigError: nobody has set a provider up, and the SDK is not installed.
    """
    provider = get_tracer_provider()
    if not isinstance(provider, ProxyTracerProvider):
        return provider.get_tracer("outdial", __version__), lambda: None
    try:
        exporter = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter").OTLPSpanExporter()
        sdk = import_module("opentelemetry.sdk.trace")
        export = import_module("opentelemetry.sdk.trace.export")
        resources = import_module("opentelemetry.sdk.resources")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        needed = 'an SDK of OpenTelemetry: pip install "outdial[otel]", or start under opentelemetry-instrument'
        raise ConfigError([f"serve.tracing = true: needs {needed}"]) from error
    name = os.environ.get("OTEL_SERVICE_NAME", SERVICE_NAME)
    resource = resources.Resource.create({"service.name": name, "service.version": __version__})
    own = sdk.TracerProvider(resource=resource)
    own.add_span_processor(export.BatchSpanProcessor(exporter))
    return own.get_tracer("outdial", __version__), own.shutdown
