; Exported by FreeCAD
; Post Processor: marlin_post
; Output Time:2026-11-29 10:00:00
; Begin preamble
G17 G90
G21
; Begin operation
M3 S12000
G0 X0.000 Y0.000 Z15.000
G0 Z3.000 F1200
G1 X-2.500 Y10.000 Z-2.000 F300
G1 X-2.500 Y40.000 Z-2.000 F600
G2 X0.000 Y42.500 Z-2.000 I2.500 J0.000 F600
G1 X50.000
; Drill, in simple moves
G0 Z3.000
G0 X25.000 Y25.000
G1 Z-3.000 F100
G4 P500
G0 Z3.000
; End operation
M5
G17 G90
; Begin postamble
M84
