"""The core language as tables: classes, properties, limits, closures, contexts (dtdl 3 to 7).

Data only, with DTDL 2, 3 and 4 side by side, so that a person can hold it against the spec.
`kastor.dtdl.metamodel` reads the tables; parser, checks and reference pages are driven by what
it makes of them. Columns are separated by two or more blanks.
"""
# ruff: noqa: E501 - a row of a table is one line

from __future__ import annotations

# Class, its parent, the DTDL versions that have it, and how it comes into a model:
#   abstract   never an element itself
#   written    may be written inline, under its own name
#   standard   exists only as a predefined element (primitive schemas, command types)
#   extension  exists only as a predefined element of an extension (units)
CLASSES = """
Entity            -                2 3 4  abstract
NamedEntity       Entity           2 3 4  abstract
Interface         Entity           2 3 4  written
Content           NamedEntity      2 3 4  abstract
Command           Content          2 3 4  written
Component         Content          2 3 4  written
Property          Content          2 3 4  written
Relationship      Content          2 3 4  written
Telemetry         Content          2 3 4  written
CommandType       Entity           2 3 4  standard
SchemaField       NamedEntity      2 3 4  abstract
CommandPayload    SchemaField      2 3 4  written-in-2
CommandRequest    CommandPayload   3 4    written
CommandResponse   CommandPayload   3 4    written
Field             SchemaField      2 3 4  written
MapValue          SchemaField      2 3 4  written
MapKey            NamedEntity      2 3 4  written
EnumValue         NamedEntity      2 3 4  written
Schema            Entity           2 3 4  abstract
ComplexSchema     Schema           2 3 4  abstract
Array             ComplexSchema    2 3 4  written
Enum              ComplexSchema    2 3 4  written
Map               ComplexSchema    2 3 4  written
Object            ComplexSchema    2 3 4  written
PrimitiveSchema   Schema           2 3 4  abstract
NumericSchema     PrimitiveSchema  2 3 4  abstract
TemporalSchema    PrimitiveSchema  2 3 4  abstract
Boolean           PrimitiveSchema  2 3 4  standard
String            PrimitiveSchema  2 3 4  standard
Date              TemporalSchema   2 3 4  standard
DateTime          TemporalSchema   2 3 4  standard
Duration          TemporalSchema   2 3 4  standard
Time              TemporalSchema   2 3 4  standard
Double            NumericSchema    2 3 4  standard
Float             NumericSchema    2 3 4  standard
Integer           NumericSchema    2 3 4  standard
Long              NumericSchema    2 3 4  standard
Byte              NumericSchema    4      standard
Short             NumericSchema    4      standard
Decimal           NumericSchema    4      standard
UnsignedByte      NumericSchema    4      standard
UnsignedInteger   NumericSchema    4      standard
UnsignedLong      NumericSchema    4      standard
UnsignedShort     NumericSchema    4      standard
Bytes             PrimitiveSchema  4      standard
Uuid              PrimitiveSchema  4      standard
Unit              Entity           2 3 4  extension
UnitAttribute     NamedEntity      2 3 4  extension
LatentType        Entity           3 4    extension
NamedLatentType   NamedEntity      3 4    extension
"""

# Class, property, kind of value, then what each version says of it:
#   a..b        number of values; * is no limit of its own
#   len=n       longest text in UTF-16 units; aio:n and onvif:n under those limits contexts
#   name        must be a name (pattern NAME)
#   n<=x<=m     range of an integer
#   -           the version does not have the property
# Kind: string, boolean, integer, any (free literal), text (language strings), target (an
# identifier that is not resolved), or the class that the values belong to.
# Marks: id = an inline value needs @id; inferred = @type may be absent; own = values have the
# DTDL version of the element, otherwise that or an older one; by=p = automatic ids end in the
# value's p; unique=p,q = differ within the collection; only=t,u = just these standard elements;
# key=p = collected under the value's p.
PROPERTIES = """
Entity          comment          string           0..1 len=512       0..1 len=512       0..1 len=512 aio:512 onvif:512    -
Entity          description      text             0..* len=512       0..* len=512       0..* len=512 aio:2048 onvif:4096  -
Entity          displayName      text             0..* len=64        0..* len=512       0..* len=512 aio:512 onvif:512    -
NamedEntity     name             string           1..1 len=64 name   1..1 len=512 name  1..1 len=512 name                 -
Interface       contents         Content          0..300             0..*               0..*                              by=name key=name unique=name
Interface       extends          Interface        0..2               0..*               0..*                              id
Interface       schemas          ComplexSchema    0..*               0..*               0..*                              id own
Property        schema           Schema           1..1               1..1               1..1                              -
Property        writable         boolean          0..1               0..1               0..1                              -
Telemetry       schema           Schema           1..1               1..1               1..1                              -
Relationship    target           target           0..1 len=2048      0..1 len=2048      0..1 len=2048                     -
Relationship    properties       Property         0..300             0..*               0..*                              by=name unique=name
Relationship    minMultiplicity  integer          0..1 0<=x<=0       0..1 0<=x<=0       0..1 0<=x<=0                      -
Relationship    maxMultiplicity  integer          0..1 1<=x<=500     0..1 1<=x          0..1 1<=x                         -
Relationship    writable         boolean          0..1               0..1               0..1                              -
Component       schema           Interface        1..1               1..1               1..1                              id
Command         commandType      CommandType      0..1               0..1               0..1                              id own only=asynchronous,synchronous
Command         request          CommandPayload   0..1               0..1               0..1                              inferred own 3:CommandRequest 4:CommandRequest
Command         response         CommandPayload   0..1               0..1               0..1                              inferred own 3:CommandResponse 4:CommandResponse
CommandPayload  nullable         boolean          -                  -                  0..1                              -
SchemaField     schema           Schema           1..1               1..1               1..1                              -
Array           elementSchema    Schema           1..1               1..1               1..1                              -
Enum            valueSchema      PrimitiveSchema  1..1               1..1               1..1                              id only=integer,string
Enum            enumValues       EnumValue        1..100             0..*               0..*                              inferred own by=name unique=name,enumValue
EnumValue       enumValue        any              1..1               1..1               1..1                              -
Map             mapKey           MapKey           1..1               1..1               1..1                              inferred own
Map             mapValue         MapValue         1..1               1..1               1..1                              inferred own
MapKey          schema           String           1..1               1..1               1..1                              id only=string
Object          fields           Field            1..30              0..*               0..*                              inferred own by=name unique=name
Unit            symbol           string           0..1               0..1               0..1                              -
"""

# Closures (dtdl 6.3 and 7): the class they start at, what is limited, how they walk (narrow:
# only over the named properties; wide: over everything, counting only hops over the named ones),
# the named properties, the limit per version, and whether a cycle is allowed per version.
CLOSURES = """
ComplexSchema  depth             wide    elementSchema schema                                                                     5          5            8 aio:12 onvif:24   cycle:4
Interface      depth             narrow  extends                                                                                  10         10           12                  -
Interface      count             narrow  extends                                                                                  -          1024         1024                -
Interface      count             narrow  contents fields enumValues request response properties schema elementSchema mapValue     -          100000       100000              cycle:4
Component      excludes          narrow  schema contents                                                                          Component  Component    Component           -
Property       excludes          wide    schema                                                                                   Array      -            -                   -
"""

# Per version: terms that stand for identifiers of the language but name neither a class nor a
# property above nor a standard element below (a model can only misuse them).
OTHER_TERMS = """
languageMajorVersion  dtmi:dtdl:property:languageMajorVersion  2 3 4
exponent              dtmi:dtdl:property:exponent              2 3 4
unit                  dtmi:dtdl:property:unit                  2
prefix                dtmi:dtdl:property:prefix                2
baseUnit              dtmi:dtdl:property:baseUnit              2
topUnit               dtmi:dtdl:property:topUnit               2
bottomUnit            dtmi:dtdl:property:bottomUnit            2
aliasFor              dtmi:dtdl:property:aliasFor              3 4
SemanticType          dtmi:dtdl:class:SemanticType             2 3 4
SemanticUnit          dtmi:dtdl:class:SemanticUnit             2 3 4
AdjunctType           dtmi:dtdl:class:AdjunctType              3 4
Alias                 dtmi:dtdl:class:Alias                    3 4
DtdlExtension         dtmi:dtdl:meta:DtdlExtension             3 4
metamodel             dtmi:dtdl:meta:metamodel                 3 4
model                 dtmi:dtdl:meta:model                     3 4
"""

# Standard elements written as one line: term, class, version that defines it (later versions
# have an alias of it, dtdl 3.3).
PRIMITIVES = """
boolean          Boolean          2
date             Date             2
dateTime         DateTime         2
double           Double           2
duration         Duration         2
float            Float            2
integer          Integer          2
long             Long             2
string           String           2
time             Time             2
byte             Byte             4
bytes            Bytes            4
decimal          Decimal          4
short            Short            4
unsignedByte     UnsignedByte     4
unsignedInteger  UnsignedInteger  4
unsignedLong     UnsignedLong     4
unsignedShort    UnsignedShort    4
uuid             Uuid             4
"""
COMMAND_TYPES = ("asynchronous", "synchronous")

# GeoJSON (dtdl 6.2): term, value of its field "type", array type of its field "coordinates".
GEOSPATIAL = """
point            Point            position
multiPoint       MultiPoint       positionArray
lineString       LineString       lineStringCoordinateArray
multiLineString  MultiLineString  lineStringCoordinateArrayArray
polygon          Polygon          polygonCoordinateArray
multiPolygon     MultiPolygon     polygonCoordinateArrayArray
"""
# Array type and what its members are.
GEOSPATIAL_ARRAYS = """
position                        double
positionArray                   position
lineStringCoordinateArray       position
lineStringCoordinateArrayArray  lineStringCoordinateArray
linearRingCoordinateArray       position
polygonCoordinateArray          linearRingCoordinateArray
polygonCoordinateArrayArray     polygonCoordinateArray
"""
# Other predefined objects: id, context that has the term, fields; an asterisk marks fields
# without an id of their own.
OBJECTS = """
dtmi:standard:schema:scaledDecimal;4  dtmi:dtdl:context;4        *value:decimal *scale:short
dtmi:iotcentral:schema:vector;2       dtmi:iotcentral:context;2  x:double y:double z:double
dtmi:iotcentral:schema:geopoint;2     dtmi:iotcentral:context;2  lon:double lat:double alt:double
"""

# Switches per version (dtdl 3, 4, 8).
VERSIONS = (2, 3, 4)
TOLERANT = (2,)  # undefined extensions are allowed by default; unknown co-types pass
RESTRICTED_KEYWORDS = (3, 4)  # keywords such as @language are refused in elements
CUSTOM_LIMITS = (4,)  # contexts may carry #limitless
ID_LENGTH = "2048          2048          2048 aio:512 onvif:512"
INTERFACE_ID_LENGTH = "128           128           128 aio:256 onvif:256"
INTERFACE_TEXT_LENGTH = "-             1048576       1048576"
LIMIT_CONTEXTS = {"aio": "dtmi:dtdl:limits:aio;1", "onvif": "dtmi:dtdl:limits:onvif;1"}
# Contexts that may stand before the DTDL context, with the version they imply.
LEADING_CONTEXTS = {"dtmi:iotcentral:context;2": 2}
RESERVED_PREFIXES = ("dtmi:dtdl:", "dtmi:standard:")
CONTEXT_PREFIXES = {
    "dtmi:iotcentral:context;2": ("dtmi:iotcentral:",),
    "dtmi:iotoperations:context;4": ("dtmi:iotoperations:",),
}

_SEGMENT = r"[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?"
NAME = rf"^{_SEGMENT}$"
DTMI_2 = rf"^dtmi:{_SEGMENT}(?::{_SEGMENT})*;[1-9][0-9]{{0,8}}$"
DTMI_3 = rf"^dtmi:{_SEGMENT}(?::{_SEGMENT})*(?:;[1-9][0-9]{{0,8}}(?:\.[1-9][0-9]{{0,5}})?)?$"
_LOOSE = r"(?:_+[A-Za-z0-9]|[A-Za-z])(?:[A-Za-z0-9_]*[A-Za-z0-9])?"
DTMI_LOOSE = (
    rf"^dtmi:{_LOOSE}(?::{_LOOSE})*(?:;[1-9][0-9]{{0,8}}(?:\.[1-9][0-9]{{0,5}})?)?"
    rf"(?:#(?:{_LOOSE})?)?$"
)
LANGUAGE_CODE = r"^[a-z]{2,4}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$"
DURATION = (
    r"^P(?!$)(?:(?:(?:\d+Y|\d+\.\d+Y$)?(?:\d+M|\d+\.\d+M$)?)|(?:\d+W|\d+\.\d+W$)?)"
    r"(?:\d+D|\d+\.\d+D$)?"
    r"(?:T(?!$)(?:\d+H|\d+\.\d+H$)?(?:\d+M|\d+\.\d+M$)?(?:\d+(?:\.\d+)?S)?)?$"
)
