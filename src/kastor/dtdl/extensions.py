"""The co-types of the extensions as tables (dtdl 9); data only.

One block per extension. The first line names it and says for each of its versions which DTDL
versions the elements may have: ``1:3 2:3,4``. A line with two blanks in front is a co-type: name,
versions of the extension that have it, classes it may stand on, rules. A line with four blanks is
a property of that co-type: term, versions, number of values, kind of value, rules.

Rules of a co-type:
  needs=T      T must stand beside it            not=T        T must not stand beside it
  alt=T        stands also on elements with co-type T
  p:T|U        values of property p have one of these classes or co-types
  p=t|u        values of property p are one of these standard elements
  in p of T|U  the parent, over p, has one of these co-types
  single       no other member of the parent has it
  with=T       some other member of the parent has T
  names p T|U not V   its p names a sibling that is a T or U and is no V
Kinds of value: string, integer, decimal, duration; EnumValue or Unit (a reference); property (name
of a co-type property). Rules of a property: min=, len=, pattern=, unique (among siblings),
conforms=p (to the element's schema p).
"""
# ruff: noqa: E501 - a row of a table is one line

from __future__ import annotations

TOPIC = (
    r"^(?:(?:[!%-*,-.0-z|~][!$-*,-.0-z|~]*)|(?:{(?:[A-Za-z]+:)?[A-Za-z]+}))"
    r"(?:\/(?:(?:[!$-*,-.0-z|~]+)|(?:{(?:[A-Za-z]+:)?[A-Za-z]+})))*$"
)
GROUP_ID = r"^[!$-*,-.0-z|~]+$"
PATTERNS = {"TOPIC": TOPIC, "GROUP_ID": GROUP_ID}

EXTENSIONS = """
annotation  1:3  2:3,4
  ValueAnnotation  1-2  Property Telemetry  names annotates Property|Telemetry not ValueAnnotation
    annotates  1-2  1..1  string

overriding  1:3  2:3,4
  Override  1-2  Property  needs=annotation/ValueAnnotation  not=initialization/Initialized  overrides
    overrides  1-2  1..1  property

historization  1:3  2:3,4
  Historized  1-2  Property Telemetry

requirement  1:3,4  2:3,4
  Required  1  Field
  Required  2  Field Property

mqtt  1:3  2:3,4  3:3,4  4:3,4
  Mqtt  1-4  Interface
    payloadFormat        1-4  1..1  string
    commandTopic         1-4  0..1  string  pattern=TOPIC
    telemetryTopic       1-4  0..1  string  pattern=TOPIC
    propertyTopic        4    0..1  string  pattern=TOPIC
    cmdServiceGroupId    2-4  0..1  string  pattern=GROUP_ID
    telemServiceGroupId  2-4  0..1  string  pattern=GROUP_ID
  Idempotent  1-4  Command
  Cacheable  1-4  Command  needs=Idempotent
    ttl  1-4  1..1  duration
  Indexed  1-3  EnumValue Field Telemetry
    index  1-3  1..1  integer  min=1  unique
  Indexed  4  EnumValue Field Property Telemetry
    index  4  1..1  integer  min=1  unique
  Transparent  2-4  CommandRequest CommandResponse  schema:Object
  Result  3  Object  fields:NormalResult|ErrorResult
  Result  4  Object  fields:NormalResult|ErrorResult|ErrorCode|ErrorInfo
  NormalResult  3-4  Field  not=requirement;1/Required  in fields of Result  single
  ErrorResult  3-4  Field  not=requirement;1/Required  in fields of Result  single  schema:Error
  Error  3-4  Object
  ErrorMessage  3-4  Field  in fields of Error  single  schema:String
  ErrorCode  4  Field  in fields of Result|Error  single  schema:Enum
  ErrorInfo  4  Field  in fields of Result|Error  single  with=ErrorCode  schema:Object
  PropertyResult  4  Object  fields:PropertyValue|ReadError|WriteError
  PropertyValue  4  Field  not=requirement;1/Required  in fields of PropertyResult  single
  ReadError  4  Field  not=requirement;1/Required  in fields of PropertyResult  single  schema:Error
  WriteError  4  Field  not=requirement;1/Required  in fields of PropertyResult  single  schema:Error
  Fragmented  4  Property  alt=PropertyValue  schema:Map
  Indirect  4  Field  not=requirement;1/Required
"""

# The two contexts outside dtmi:dtdl:extension: have identifiers of their own form:
# dtmi:<owner>:class:<name>;<version> and dtmi:<owner>:property:<term>;<version>.
PARTNERS = """
iotcentral  2:2
  Event  2  Property Telemetry  schema:NumericSchema|String
  State  2  Property Telemetry  schema:Enum
  Location  2  Property Telemetry  schema=point|multiPoint|lineString|multiLineString|polygon|multiPolygon|geopoint
  AccelerationVector  2  Property Telemetry  schema=vector
    unit  2  0..1  unit:AccelerationUnit
  VelocityVector  2  Property Telemetry  schema=vector
    unit  2  0..1  unit:VelocityUnit

iotoperations  4:4
  Event  4  Interface
  Composite  4  Interface  not=Event
    ontology  4  1..1  string  len=128
  Congruence  4  Array Enum Interface Map Object
    typeRef  4  1..1  string  len=128
  GroupMember  4  Command
    group  4  1..1  string  len=128  pattern=NAME
  Qualified  4  Command Component Field Property Relationship Telemetry
    namespace  4  1..1  string  len=128
  HasComponent  4  Relationship
  HasCapability  4  Relationship  not=HasComponent
  Limited  4  CommandRequest CommandResponse Field MapValue Property Telemetry  schema:NumericSchema
    minimum  4  0..1  decimal  conforms=schema
    maximum  4  0..1  decimal  conforms=schema
  Precise  4  CommandRequest CommandResponse Field MapValue Property Telemetry  schema:NumericSchema
    decimalPlaces  4  1..1  integer
  ScaledStatically  4  CommandRequest CommandResponse Field MapValue Property Telemetry  schema:NumericSchema
    scaleFactor  4  1..1  decimal  conforms=schema
  Detail  4  Object
  Subject  4  Field  in fields of Detail  single
"""

# Where each context stands: extension name -> form of its context id.
PARTNER_CONTEXTS = {
    "iotcentral": "dtmi:iotcentral:context;2",
    "iotoperations": "dtmi:iotoperations:context;4",
}
