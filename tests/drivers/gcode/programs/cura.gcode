;FLAVOR:Marlin
;TIME:1834
;Filament used: 0.98m
;Layer height: 0.2
;MINX:82.4
;Generated in the manner of Cura_SteamEngine 5
M140 S60
M105
M190 S60
M104 S200
M105
M109 S200
M82 ;absolute extrusion mode
; Start Code
G21 ;metric values
G90 ;absolute positioning
M107 ;start with the fan off
M220 S100 ;Reset Feedrate
M221 S100 ;Reset Flowrate
G28 ;Home
G92 E0 ;Reset Extruder
G1 Z2.0 F3000 ;Move Z Axis up
G1 X0.1 Y20 Z0.3 F5000.0 ;Move to start position
G1 X0.1 Y100.0 Z0.3 F1500.0 E15 ;Draw the first line
G92 E0 ;Reset Extruder
G92 E0
G1 F2700 E-5
;LAYER_COUNT:2
;LAYER:0
M107
M204 S500
M205 X8 Y8
G0 F6000 X83.2 Y83.2 Z0.2
;TYPE:SKIRT
G1 F2700 E0
G1 F1200 X84.1 Y82.5 E0.03792
G1 X85.2 Y82.1 E0.07683
G1 X116.8 Y82 E1.12728
;MESH:part.stl
G0 F6000 X90 Y90
;TYPE:WALL-INNER
G1 F1200 X110 Y90 E1.79239
G1 X110 Y110 E2.45750
;TIME_ELAPSED:31.6
;LAYER:1
M106 S85
G0 F6000 X90 Y90 Z0.4
G1 F1800 X110 Y90 E3.1
;TIME_ELAPSED:60.1
G1 F2700 E-1.9
M140 S0
M204 S4000
M107
G91 ;Relative positioning
G1 E-2 F2700 ;Retract a bit
G1 E-2 Z0.2 F2400 ;Retract and raise Z
G1 X5 Y5 F3000 ;Wipe out
G1 Z10 ;Raise Z more
G90 ;Absolute positioning

G1 X0 Y200 ;Present print
M106 S0 ;Turn-off fan
M104 S0 ;Turn-off hotend
M140 S0 ;Turn-off bed

M84 X Y E ;Disable all steppers but Z

M82 ;absolute extrusion mode
M104 S0
;End of Gcode
;SETTING_3 {"global_quality": "[general]\\nversion = 4\\nname = Draft #2"}
