"""An operator of Airflow, made and run in the task's own process by Airflow's task SDK: without its database, scheduler
and templates. Nothing of it is loaded where it is not asked for."""
