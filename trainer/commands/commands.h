#pragma once

namespace CLI {
class App;
}

namespace penumbra::trainer {

// Each adds one subcommand to `app`. Its callback does the work and throws what main turns into a line and an exit
// code.
void add_train(CLI::App& app);
void add_eval(CLI::App& app);
void add_compare(CLI::App& app);
void add_report(CLI::App& app);
void add_predict(CLI::App& app);
void add_checkpoint(CLI::App& app);
void add_data(CLI::App& app);
void add_data_tools(CLI::App& data);  ///< those below `data` that make stores from stores
void add_import(CLI::App& data);      ///< those below `data` that read a data set's own files
void add_inspect(CLI::App& data);     ///< below `data`: what a store holds
void add_config(CLI::App& app);
void add_doctor(CLI::App& app);
void add_bench(CLI::App& app);
void add_plan(CLI::App& app);
void add_launch(CLI::App& app);
void add_sweep(CLI::App& app);
void add_monitor(CLI::App& app);   ///< and watch, ctl
void add_commands(CLI::App& app);  ///< the reference of all of these

}  // namespace penumbra::trainer
