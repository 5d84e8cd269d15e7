# cmake --install BUILD --prefix P: the program with its modules, configurations, Slurm scripts,
# dashboards and manual. P may be moved afterwards. LibTorch is not copied: the program finds it
# where it was when this was built, by absolute paths.
include(GNUInstallDirs)
set(module_folder ${CMAKE_INSTALL_LIBDIR}/penumbra)
set(share ${CMAKE_INSTALL_DATADIR}/penumbra)

file(RELATIVE_PATH binary_to_modules /${CMAKE_INSTALL_BINDIR} /${module_folder})
set_target_properties(penumbra PROPERTIES
  INSTALL_RPATH "$ORIGIN/${binary_to_modules};${LibTorch_RUNTIME_DIRS}"
  INSTALL_RPATH_USE_LINK_PATH ON)
install(TARGETS penumbra RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
foreach(module penumbra_cuda penumbra_cascade)
  if(TARGET ${module})
    set_target_properties(${module} PROPERTIES
      INSTALL_RPATH "${LibTorch_RUNTIME_DIRS}" INSTALL_RPATH_USE_LINK_PATH ON)
    install(TARGETS ${module} LIBRARY DESTINATION ${module_folder})
  endif()
endforeach()

install(DIRECTORY configs docs DESTINATION ${share})
install(DIRECTORY slurm DESTINATION ${share} USE_SOURCE_PERMISSIONS)
install(DIRECTORY monitor/alertmanager monitor/grafana monitor/prometheus
  DESTINATION ${share}/monitor
  FILES_MATCHING PATTERN *.json PATTERN *.yml)
install(FILES monitor/compose.yml DESTINATION ${share}/monitor)
install(FILES README.md CONTRIBUTING.md CITATION.cff LICENSE DESTINATION ${share})
