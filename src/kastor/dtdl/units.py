"""Semantic types and units as tables (dtdl 9); data only.

DTDL 2 has them built in, DTDL 3 and 4 through the quantitativeTypes extension. A plus sign marks
what only the extension has (1, 2 and 3), an asterisk what only its version 3 has.
"""
# ruff: noqa: E501 - a row of a table is one line

from __future__ import annotations

# Unit type: its units, each as term and symbol, separated by bars.
UNITS = """
AccelerationUnit: metrePerSecondSquared m/s² | centimetrePerSecondSquared cm/s² | *millimetrePerSecondSquared mm/s² | *kilometrePerSecondSquared km/s² | gForce g
AngleUnit: radian rad | degreeOfArc ° | minuteOfArc ' | secondOfArc " | turn turn
AngularAccelerationUnit: radianPerSecondSquared rad/s²
AngularVelocityUnit: radianPerSecond rad/s | degreePerSecond °/s | revolutionPerSecond rps | revolutionPerMinute rpm
+ApparentEnergyUnit: voltAmpereHour VAh | *millivoltAmpereHour mVAh | kilovoltAmpereHour kVAh | megavoltAmpereHour MVAh | gigavoltAmpereHour GVAh
+ApparentPowerUnit: voltAmpere VA | millivoltAmpere mVA | kilovoltAmpere kVA | megavoltAmpere MVA | gigavoltAmpere GVA
AreaUnit: squareMetre m² | squareCentimetre cm² | squareMillimetre mm² | squareKilometre km² | hectare ha | squareFoot ft² | squareInch in² | acre ac
CapacitanceUnit: farad F | millifarad mF | microfarad µF | nanofarad nF | picofarad pF
ChargeUnit: coulomb C | +ampereHour Ah | +milliampereHour mAh
CurrentUnit: ampere A | *picoampere pA | *nanoampere nA | microampere µA | milliampere mA | +kiloampere kA
DataRateUnit: bitPerSecond bps | kibibitPerSecond Kibps | mebibitPerSecond Mibps | gibibitPerSecond Gibps | tebibitPerSecond Tibps | exbibitPerSecond Eibps | zebibitPerSecond Zibps | yobibitPerSecond Yibps | bytePerSecond Bps | kibibytePerSecond KiBps | mebibytePerSecond MiBps | gibibytePerSecond GiBps | tebibytePerSecond TiBps | exbibytePerSecond EiBps | zebibytePerSecond ZiBps | yobibytePerSecond YiBps
DataSizeUnit: bit bit | kibibit Kibit | mebibit Mibit | gibibit Gibit | tebibit Tibit | exbibit Eibit | zebibit Zibit | yobibit Yibit | byte B | kibibyte KiB | mebibyte MiB | gibibyte GiB | tebibyte TiB | exbibyte EiB | zebibyte ZiB | yobibyte YiB
DensityUnit: kilogramPerCubicMetre kg/m³ | gramPerCubicMetre g/m³ | +milligramPerCubicMetre mg/m³ | +microgramPerCubicMetre µg/m³
*DynamicViscosityUnit: poise P | centipoise cP | millipoise mP | pascalSecond Pa·s | millipascalSecond mPa·s
EnergyUnit: joule J | kilojoule kJ | megajoule MJ | gigajoule GJ | electronvolt eV | megaelectronvolt MeV | +wattHour Wh | +milliwattHour mWh | kilowattHour kWh | +megawattHour MWh | +gigawattHour GWh | +terawattHour TWh | +britishThermalUnit BTU | +kiloBritishThermalUnit kBTU
ForceUnit: newton N | pound lb | ounce oz | ton T
FrequencyUnit: hertz Hz | +millihertz mHz | kilohertz kHz | megahertz MHz | gigahertz GHz
*GasLeakageRateUnit: pascalCubicMetrePerSecond Pa·m³/s | decapascalCubicMetrePerSecond daPa·m³/s | hectopascalCubicMetrePerSecond hPa·m³/s | kilopascalCubicMetrePerSecond kPa·m³/s
IlluminanceUnit: lux lx | footcandle fc
InductanceUnit: henry H | millihenry mH | microhenry µH
+IonizingRadiationDoseUnit: gray Gy | milligray mGy | microgray µGy | sievert Sv | millisievert mSv | microsievert µSv
+IrradianceUnit: wattPerSquareMetre W/m²
*KinematicViscosityUnit: stokes St | centistokes cSt | squareMetrePerSecond m²/s
LengthUnit: metre m | centimetre cm | millimetre mm | micrometre µm | nanometre nm | kilometre km | foot ft | inch in | mile mi | nauticalMile M | astronomicalUnit AU
LuminanceUnit: candelaPerSquareMetre cd/m²
LuminousFluxUnit: lumen lm
LuminousIntensityUnit: candela cd
MagneticFluxUnit: weber Wb | maxwell Mx
MagneticInductionUnit: tesla T | +gauss G
MassFlowRateUnit: gramPerSecond g/s | kilogramPerSecond kg/s | gramPerHour g/h | kilogramPerHour kg/h | +massPoundPerHour lb/h
MassUnit: kilogram kg | gram g | milligram mg | microgram µg | tonne t | slug slug | +massPound lb
PowerUnit: watt W | microwatt µW | milliwatt mW | kilowatt kW | megawatt MW | gigawatt GW | horsepower hp | +joulePerSecond J/s | +kilojoulePerSecond kJ/s | +joulePerHour J/h | +kilojoulePerHour kJ/h | +megajoulePerHour MJ/h | +gigajoulePerHour GJ/h | +britishThermalUnitPerHour BTU/h | +kiloBritishThermalUnitPerHour kBTU/h | kilowattHourPerYear kWh/yr | +tonOfRefrigeration TR
PressureUnit: pascal Pa | +decapascal daPa | +hectopascal hPa | kilopascal kPa | bar bar | millibar mbar | millimetresOfMercury mmHg | poundPerSquareInch psi | inchesOfMercury inHg | inchesOfWater inH2O
+RadioactivityUnit: becquerel Bq | kilobecquerel kBq | megabecquerel MBq | gigabecquerel GBq
+ReactiveEnergyUnit: voltAmpereReactiveHour varh | kilovoltAmpereReactiveHour kvarh | megavoltAmpereReactiveHour Mvarh | gigavoltAmpereReactiveHour Gvarh
+ReactivePowerUnit: voltAmpereReactive var | millivoltAmpereReactive mvar | kilovoltAmpereReactive kvar | megavoltAmpereReactive Mvar | gigavoltAmpereReactive Gvar
*ReciprocalLengthUnit: reciprocalMetre m⁻¹ | reciprocalCentimetre cm⁻¹ | reciprocalMillimetre mm⁻¹ | reciprocalMicrometre µm⁻¹ | reciprocalNanometre nm⁻¹ | reciprocalKilometre km⁻¹
*ReciprocalTimeUnit: reciprocalSecond s⁻¹ | reciprocalMinute min⁻¹
ResistanceUnit: ohm Ω | milliohm mΩ | kiloohm kΩ | megaohm MΩ
SoundPressureUnit: decibel dB | bel B
TemperatureUnit: kelvin K | degreeCelsius °C | degreeFahrenheit °F
TimeUnit: second s | millisecond ms | microsecond µs | nanosecond ns | minute m | hour h | day d | year yr
TorqueUnit: newtonMetre N·m
Unitless: unity | percent % | +partsPerMillion ppm | +partsPerBillion ppb | +partsPerTrillion ppt | +partsPerQuadrillion ppq
VelocityUnit: metrePerSecond m/s | centimetrePerSecond cm/s | *millimetrePerSecond mm/s | kilometrePerSecond km/s | metrePerHour m/h | kilometrePerHour km/h | milePerHour mph | milePerSecond mi/s | knot kn
VoltageUnit: volt V | millivolt mV | microvolt µV | kilovolt kV | megavolt MV
VolumeFlowRateUnit: litrePerSecond l/s | millilitrePerSecond ml/s | +litrePerMinute l/min | +millilitrePerMinute ml/min | litrePerHour l/h | millilitrePerHour ml/h | +gallonPerMinute gal/min | +gallonPerHour gal/h | +cubicFootPerMinute ft³/min | +cubicMetrePerHour m³/h | +cubicMetrePerMinute m³/min | +cubicMetrePerSecond m³/s | *cubicCentimetrePerMinute cm³/min | *cubicCentimetrePerSecond cm³/s
VolumeUnit: cubicMetre m³ | cubicCentimetre cm³ | litre l | millilitre ml | cubicFoot ft³ | cubicInch in³ | fluidOunce fl oz | gallon gal
"""

# Unit type: the semantic types that are measured in it.
SEMANTIC_TYPES = """
AccelerationUnit: Acceleration
AngleUnit: Angle Latitude Longitude
AngularAccelerationUnit: AngularAcceleration
AngularVelocityUnit: AngularVelocity
ApparentEnergyUnit: +ApparentEnergy
ApparentPowerUnit: +ApparentPower
AreaUnit: Area
CapacitanceUnit: Capacitance
ChargeUnit: ElectricCharge
CurrentUnit: Current
DataRateUnit: DataRate
DataSizeUnit: DataSize
DensityUnit: Density Humidity
DynamicViscosityUnit: *DynamicViscosity
EnergyUnit: Energy
ForceUnit: Force Thrust
FrequencyUnit: Frequency
GasLeakageRateUnit: *GasLeakageRate
IlluminanceUnit: Illuminance
InductanceUnit: Inductance
IonizingRadiationDoseUnit: +IonizingRadiationDose
IrradianceUnit: +Irradiance
KinematicViscosityUnit: *KinematicViscosity
LengthUnit: Distance Length
LuminanceUnit: Luminance
LuminousFluxUnit: LuminousFlux
LuminousIntensityUnit: LuminousIntensity
MagneticFluxUnit: MagneticFlux
MagneticInductionUnit: MagneticInduction
MassFlowRateUnit: MassFlowRate
MassUnit: Mass
PowerUnit: Power Luminosity +EnergyRate
PressureUnit: Pressure
RadioactivityUnit: +Radioactivity
ReactiveEnergyUnit: +ReactiveEnergy
ReactivePowerUnit: +ReactivePower
ReciprocalLengthUnit: *ReciprocalLength
ReciprocalTimeUnit: *ReciprocalTime
ResistanceUnit: Resistance
SoundPressureUnit: SoundPressure
TemperatureUnit: Temperature
TimeUnit: TimeSpan
TorqueUnit: Torque
Unitless: RelativeHumidity +Concentration +RelativeDensity *Efficiency *RelativeMeasure *Scale *Throttle
VelocityUnit: Velocity
VoltageUnit: Voltage
VolumeFlowRateUnit: VolumeFlowRate
VolumeUnit: Volume
"""

# Prefix: symbol and exponent (of ten, or of two for the binary ones). DTDL 2 says deka.
DECIMAL_PREFIXES = (
    "deci d -1 | centi c -2 | milli m -3 | micro µ -6 | nano n -9 | pico p -12 | femto f -15 | "
    "atto a -18 | zepto z -21 | yocto y -24 | deca da 1 | hecto h 2 | kilo k 3 | mega M 6 | "
    "giga G 9 | tera T 12 | peta P 15 | exa E 18 | zetta Z 21 | yotta Y 24"
)
BINARY_PREFIXES = (
    "kibi Ki 10 | mebi Mi 20 | gibi Gi 30 | tebi Ti 40 | pebi Pi 50 | exbi Ei 60 | zebi Zi 70 | "
    "yobi Yi 80"
)
PREFIX_NAMES_IN_2 = {"deca": "deka"}

# A second term of the extension for a unit type.
ALTERNATIVE_TERMS = {"EnergyRateUnit": "PowerUnit"}

# Co-types that describe units; notation of `kastor.dtdl.extensions`, "<T" is the co-type above;
# an asterisk is any class, two are any class of older versions too, a dash is none.
# Those of the extension:
UNIT_COTYPES = """
QuantitativeType  1-3  CommandRequest CommandResponse Field MapValue Property Telemetry  abstract  schema:NumericSchema
  unit  1-3  1..1  EnumValue
DecimalUnit  1-3  EnumValue
  baseUnit  1-3  1..1  EnumValue
  prefix    1-3  0..1  EnumValue
BinaryUnit  1-3  **
  baseUnit  1-3  1..1  EnumValue
  prefix    1-3  0..1  EnumValue
RatioUnit  1-3  EnumValue
  topUnit     1-3  1..1  EnumValue
  bottomUnit  1-3  1..1  EnumValue
SymbolicUnit  1-3  EnumValue
  symbol  1-3  1..1  string
UnitPrefix  1-3  EnumValue
  symbol    1-3  1..1  string
  exponent  1-3  1..1  integer
"""
# Those of DTDL 2:
BUILTIN_COTYPES = """
QuantitativeType  2  Property Telemetry  abstract  schema:NumericSchema
  unit  2  1..1  Unit
DecimalUnit  2  Unit
  baseUnit  2  1..1  Unit
  prefix    2  0..1  prefix:DecimalPrefix
BinaryUnit  2  Unit
  baseUnit  2  1..1  Unit
  prefix    2  0..1  prefix:BinaryPrefix
RatioUnit  2  Unit
  topUnit     2  1..1  Unit
  bottomUnit  2  1..1  Unit
DecimalPrefix  2  -
  symbol    2  1..1  string
  exponent  2  1..1  integer
BinaryPrefix  2  -
  symbol    2  1..1  string
  exponent  2  1..1  integer
"""
# Those of every version:
CORE_COTYPES = """
SemanticType  2-4  Property Relationship Telemetry  abstract
SemanticUnit  2-4  Unit  abstract
AdjunctType  3-4  **  abstract
Alias  3-4  *
  aliasFor  3-4  1..1  Entity
"""
