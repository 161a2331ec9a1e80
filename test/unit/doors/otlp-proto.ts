/** Writes OTLP in protobuf from its JSON form, with the library's encoder and OTLP's own schema. */
import protobuf from 'protobufjs';

/** @see https://github.com/open-telemetry/opentelemetry-proto/tree/v1.10.0/opentelemetry/proto */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1; }
  message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; string schema_url = 3; }
  message ScopeLogs { InstrumentationScope scope = 1; repeated LogRecord log_records = 2; string schema_url = 3; }
  message LogRecord {
    fixed64 time_unix_nano = 1;
    int32 severity_number = 2;
    string severity_text = 3;
    AnyValue body = 5;
    repeated KeyValue attributes = 6;
    uint32 dropped_attributes_count = 7;
    fixed32 flags = 8;
    bytes trace_id = 9;
    bytes span_id = 10;
    fixed64 observed_time_unix_nano = 11;
    string event_name = 12;
  }
  message Resource {
    repeated KeyValue attributes = 1;
    uint32 dropped_attributes_count = 2;
    repeated EntityRef entity_refs = 3;
  }
  message EntityRef {
    string schema_url = 1;
    string type = 2;
    repeated string id_keys = 3;
    repeated string description_keys = 4;
  }
  message InstrumentationScope {
    string name = 1;
    string version = 2;
    repeated KeyValue attributes = 3;
    uint32 dropped_attributes_count = 4;
  }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message ArrayValue { repeated AnyValue values = 1; }
  message KeyValueList { repeated KeyValue values = 1; }
  message AnyValue {
    oneof value {
      string string_value = 1;
      bool bool_value = 2;
      int64 int_value = 3;
      double double_value = 4;
      ArrayValue array_value = 5;
      KeyValueList kvlist_value = 6;
      bytes bytes_value = 7;
    }
  }
  message ExportLogsPartialSuccess { int64 rejected_log_records = 1; string error_message = 2; }
  message ExportLogsServiceResponse { ExportLogsPartialSuccess partial_success = 1; }
  message Status { int32 code = 1; string message = 2; }
`);

export function logsRequest(request: object): Buffer {
  return write('ExportLogsServiceRequest', request);
}

export function logRecord(record: object): Buffer {
  return write('LogRecord', record);
}

function write(name: string, message: object): Buffer {
  const type = root.lookupType(name);
  return Buffer.from(type.encode(type.fromObject(withBytes(message) as object)).finish());
}

export function readResponse(bytes: Buffer): object {
  return read('ExportLogsServiceResponse', bytes);
}

export function readStatus(bytes: Buffer): object {
  return read('Status', bytes);
}

function read(name: string, bytes: Buffer): object {
  const type = root.lookupType(name);
  return type.toObject(type.decode(bytes), { longs: String });
}

/** The library has bytes in base64, and numbers for what OTLP's JSON has as texts. */
function withBytes(given: unknown): unknown {
  if (Array.isArray(given)) return given.map(withBytes);
  if (typeof given !== 'object' || given === null) return given;
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      if (key === 'traceId' || key === 'spanId') return [key, Buffer.from(String(value), 'hex')];
      if (key === 'doubleValue') return [key, Number(value)];
      return [key, withBytes(value)];
    }),
  );
}
