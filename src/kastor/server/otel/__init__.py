"""Traces and logs for a collector of OpenTelemetry (OTLP over HTTP), an extra.

- `starting`: reads the settings, makes all this and ends it; all other modules need the extra.
- `tracer`: what `kastor.tracing` asks for, as spans of the SDK.
- `lines`: lines of the log as OTLP has them.
- `outbox`: what waits to be sent, within bounds, and the thread that sends it.
"""
