(Exported by FreeCAD)
(Post Processor: grbl_post)
(Output Time:2026-11-29 10:00:00.000000)
(Begin preamble)
G17 G90
G21
(Begin operation: Fixture)
(Path: Fixture)
G54
(Finish operation: Fixture)
(Begin operation: TC: Default Tool)
(Path: TC: Default Tool)
(TC: Default Tool)
(Begin toolchange)
( M6 T1 )
M3 S12000.000
(Finish operation: TC: Default Tool)
(Begin operation: Profile)
(Path: Profile)
(Profile)
(Compensated Tool Path. Diameter: 5.0)
G0 Z15.000
G0 X-2.500 Y10.000
G0 Z3.000
G1 X-2.500 Y10.000 Z-2.000 F300.000
G1 X-2.500 Y40.000 Z-2.000 F600.000
G2 X0.000 Y42.500 Z-2.000 I2.500 J0.000 K0.000 F600.000
G1 X50.000 Y42.500 Z-2.000 F600.000
G2 X52.500 Y40.000 Z-2.000 I0.000 J-2.500 K0.000 F600.000
G0 Z15.000
(Finish operation: Profile)
(Begin postamble)
M5
G17 G90
M2
